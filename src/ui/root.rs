//! One frame: header, screen, status, footer, and over them the overlays.
//!
//! ```text
//!  PRODUCTION  prod-uk-1 · digital-identity        ▲ CRITICAL 6m   can write   02:14Z   header
//!  Error rate     ● │ p95 latency    ● │ Sync backlog   ● │ HighErrorRate ▲ CRITICAL    tiles, escalation
//!  11.8 %  ▲ > 5 %  │ 2.84 s  ▲ > 2 s  │ 4,210  ▲ > 1,000 │ · On-call no call noted
//!  ▁▁▁▂▂▃▅▇▇███████ │ ▁▁▁▂▂▂▃▄▅▅▆▆▆▇▇▇ │ ▁▁▁▁▂▂▃▃▄▅▅▆▆▇▇█ │ ▲ Team lead
//!  since 02:07      │ since 02:08      │ +38/s            │ call by 02:12 · 1 min ago
//!  Sync p95 0.21 s ✓ · Verification queue 120 ✓ · DB connections 41.0 % ✓               others
//!  Pods  39/42 ready · 3 unhealthy ─────────────────────────────────────────────── ●    pods
//!    NAME                        READY  STATUS             RESTARTS   AGE  NODE
//!  ▸ api-gateway-7c9f6d5b8-x2xqk 0/1    CrashLoopBackOff          7   12m  node-3
//!  Errors  312 in 15 min · 4 patterns ─────────────────────────────── ! partial 3/5     errors
//!    ×211 new core-engine   pool timed out after <n> ms waiting for connection
//!  Changed  02:05 api-gateway rev 41 → 42 (image 2.3.1 → 2.4.0) by ci-deployer          changes
//!  Suggested ───────────────────────────────────────────────────────────────────────    suggestions
//!    u  undo rollout api-gateway to rev 41   likely: 2 pods crash, rolled out 2 m…
//!  ◆ 02:12 Undo rollout · api-gateway: 3/5 new pods ready, 1 old left                   status
//!  1-2 screens  / filter  : command  m mitigate  a ack  e escalate  ? help  q quit      footer
//! ```

use super::{canvas::Canvas, card, cockpit, footer, header, help, layout, menu, palette, prompt, status, viewer, workloads};
use crate::state::{Screen, State, overlay::Overlay};

pub fn render(canvas: &mut Canvas<'_>, state: &State) {
    let shell = layout::shell(state.size);
    canvas.clear(canvas.area());
    header::render(canvas, shell.header, state);
    match state.screen {
        Screen::Cockpit => cockpit::render(canvas, state),
        Screen::Workloads => workloads::render(canvas, state),
    }
    status::render(canvas, shell.status, state);
    footer::render(canvas, shell.footer, state);
    if shell.footer.height == 0 {
        return;
    }
    for overlay in &state.overlays {
        render_overlay(canvas, state, overlay);
    }
    // A notice answers the last key, so it lies over everything but a card, whose complaints have a line of their own.
    if !matches!(state.overlays.last(), Some(Overlay::Card(_))) {
        status::render_notice(canvas, shell.footer, state);
    }
}

fn render_overlay(canvas: &mut Canvas<'_>, state: &State, overlay: &Overlay) {
    let footer = layout::shell(state.size).footer;
    match overlay {
        Overlay::Help { scroll } => help::render(canvas, state, *scroll),
        Overlay::Did { scroll } => help::render_did(canvas, state, *scroll),
        Overlay::Palette(palette) => palette::render(canvas, state, palette),
        Overlay::Filter(line) => prompt::render_line(canvas, footer, "/", "words, !without, label=value   Enter keeps, Esc clears", line),
        Overlay::Note(line) => prompt::render_line(canvas, footer, "note: ", "Enter writes it down, Esc drops it", line),
        Overlay::Card(card) => card::render(canvas, state, card),
        Overlay::Menu(menu) => menu::render(canvas, state, menu),
        Overlay::Viewer(viewer) => viewer::render(canvas, state, viewer),
        Overlay::QuitQuestion { why } => prompt::render_question(canvas, state, "Quit?", &prompt::quit_text(why), "quit"),
        Overlay::EscalateQuestion { alert, who, .. } => {
            prompt::render_question(canvas, state, "Escalate now?", &prompt::escalate_text(alert, who), "escalate");
        }
        Overlay::UncallQuestion { alert, who, .. } => {
            prompt::render_question(canvas, state, "Not called?", &prompt::uncall_text(alert, who), "take it back");
        }
        Overlay::SwitchQuestion(question) => prompt::render_switch(canvas, state, question),
        Overlay::Replicas(replicas) => prompt::render_replicas(canvas, state, replicas),
    }
}
