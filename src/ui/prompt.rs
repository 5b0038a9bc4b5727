//! Small questions: filter and note in the footer's line; leaving, escalating and replicas as dialogs.

use ratatui::{layout::Rect, style::Style};

use super::{
    canvas::{Canvas, wrap},
    glyph, line,
    widgets::dialog,
};
use crate::domain::units;
use crate::state::{
    State,
    overlay::{LineEdit, ReplicasPrompt, SwitchQuestion},
    switch::Destination,
};

/// `/` and `n`: typed in the place of the footer.
pub fn render_line(canvas: &mut Canvas<'_>, footer: Rect, label: &str, hint: &str, edit: &LineEdit) {
    let theme = canvas.theme;
    canvas.clear(footer);
    canvas.tint(footer, theme.footer);
    let left = if footer.width >= 60 { canvas.right(footer, 0, &format!("{hint} "), theme.footer) } else { footer };
    let mut pen = canvas.pen(Rect { width: left.width.saturating_sub(1), ..left }, 0);
    pen.skip(1).write(label, theme.key);
    line::render(&mut pen, edit, theme.input);
}

pub fn question_area(state: &State, text: &str) -> Rect {
    let (width, height) = state.size;
    let wide = width.min(64);
    let lines = u16::try_from(wrap(text, wide.saturating_sub(4)).len()).unwrap_or(u16::MAX);
    dialog::centred(Rect { x: 0, y: 0, width, height }, wide, lines.saturating_add(4))
}

/// A question that `y` answers; everything else is no.
pub fn render_question(canvas: &mut Canvas<'_>, state: &State, title: &str, text: &str, yes: &str) {
    let theme = canvas.theme;
    let inner = dialog::render(canvas, question_area(state, text), title, &[]);
    for (row, piece) in (0..inner.height.saturating_sub(1)).zip(wrap(text, inner.width)) {
        canvas.pen(inner, row).write(&piece, theme.plain);
    }
    let mut pen = canvas.pen(inner, inner.height.saturating_sub(1));
    pen.write("y", theme.key).write(&format!(" {yes}   "), theme.strong).write("Esc", theme.key).write(" no", theme.plain);
}

pub fn quit_text(why: &str) -> String {
    format!("{why} It goes on in the cluster, and nobody here will see how it ends.")
}

pub fn escalate_text(alert: &str, who: &str) -> String {
    format!("Take the next step for {alert} now: {who}. sev1 pages nobody: call {who} yourself, then press C to note it.")
}

pub fn uncall_text(alert: &str, who: &str) -> String {
    format!("It is noted that {who} was called for {alert}. Take that back, so that {who} is to be called again?")
}

pub fn switch_area(state: &State, question: &SwitchQuestion) -> Rect {
    let area = question_area(state, &switch_text(state, question));
    let more = u16::from(question.word.is_some());
    Rect { y: area.y.saturating_sub(more), height: (area.height + more).min(state.size.1), ..area }
}

fn switch_text(state: &State, question: &SwitchQuestion) -> String {
    let here = &state.session.context;
    match &question.to {
        Destination::Namespace(_) => format!("Look at {} of {here} from here on?", question.to.words()),
        Destination::Context(_) => format!("Leave {here} and look at {}? What was done here stays in the journal of {here}.", question.to.words()),
    }
}

/// A question that `y` answers, or the name of a place of production.
pub fn render_switch(canvas: &mut Canvas<'_>, state: &State, question: &SwitchQuestion) {
    let theme = canvas.theme;
    let title = format!("Switch to {}?", question.to.words());
    let inner = dialog::render(canvas, switch_area(state, question), &title, &[]);
    let last = inner.height.saturating_sub(1);
    for (row, piece) in (0..last).zip(wrap(&switch_text(state, question), inner.width)) {
        canvas.pen(inner, row).write(&piece, theme.plain);
    }
    let mut pen = canvas.pen(inner, last);
    let Some(word) = &question.word else {
        pen.write("y", theme.key).write(" switch   ", theme.strong).write("Esc", theme.key).write(" no", theme.plain);
        return;
    };
    pen.write(&format!("Type {word} to switch: "), theme.strong);
    let field = Rect { x: pen.column(), width: pen.left(), y: inner.y + last, height: 1 };
    line::render(&mut canvas.pen(field, 0), &question.line, theme.input);
    if let Some(complaint) = &question.complaint {
        canvas.pen(inner, last.saturating_sub(1)).write(&format!("{} {complaint}", glyph::WARNING), theme.warning);
    }
}

pub fn replicas_area(state: &State) -> Rect {
    let (width, height) = state.size;
    dialog::centred(Rect { x: 0, y: 0, width, height }, 64, 7)
}

pub fn render_replicas(canvas: &mut Canvas<'_>, state: &State, prompt: &ReplicasPrompt) {
    let theme = canvas.theme;
    let title = format!("Scale {} {}", glyph::DOT, prompt.workload.key.name);
    let inner = dialog::render(canvas, replicas_area(state), &title, &[(&state.session.context, theme.strong)]);
    let mut lines: Vec<(String, Style)> = vec![(format!("now {}", units::counted(u64::from(prompt.current), "replica")), theme.plain)];
    if let Some((name, least, most)) = &prompt.autoscaler {
        lines.push((format!("{} HPA {name} sets them itself, between {least} and {most}", glyph::WARNING), theme.warning));
    }
    for (row, (text, style)) in (0..inner.height).zip(&lines) {
        canvas.pen(inner, row).write(text, *style);
    }
    let last = inner.height.saturating_sub(1);
    if let Some(complaint) = &prompt.complaint {
        canvas.pen(inner, last.saturating_sub(1)).write(&format!("{} {complaint}", glyph::WARNING), theme.warning);
    }
    let mut pen = canvas.pen(inner, last);
    pen.write("replicas ", theme.label);
    let field = Rect { x: pen.column(), width: pen.left().min(8), y: inner.y + last, height: 1 };
    line::render(&mut canvas.pen(field, 0), &prompt.line, theme.input);
    let hint = Rect { x: field.right() + 2, width: inner.right().saturating_sub(field.right() + 2), ..field };
    canvas.pen(hint, 0).write("Enter shows the card, Esc closes", theme.label);
}
