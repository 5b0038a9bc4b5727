//! Silences by Alertmanager's API v2. A new one is known again by its mark in the comment, one that is to end by its id.

use chrono::SecondsFormat;
use http::Method;
use serde_json::{Value, json};

use super::Permission;
use crate::{
    actions::{
        alertmanager::{Alertmanager, SILENCES, Silence, State},
        api::{Api, Sent},
        expect::Standing,
    },
    connect::{Endpoint, WriteError, writer::words},
    domain::{
        mitigation::{NewSilence, SilenceChange, SilenceWrite, WriteMethod},
        object::segment,
        text::Text,
        write::in_comment,
    },
};

pub fn method(change: &SilenceChange) -> WriteMethod {
    match change {
        SilenceChange::Create(_) => WriteMethod::Post,
        SilenceChange::Expire { .. } => WriteMethod::Delete,
    }
}

pub fn path(change: &SilenceChange) -> String {
    match change {
        SilenceChange::Create(_) => SILENCES.to_owned(),
        SilenceChange::Expire { id, .. } => format!("/api/v2/silence/{}", segment(id)),
    }
}

pub fn body(change: &SilenceChange) -> Value {
    let SilenceChange::Create(silence) = change else { return Value::Null };
    let matchers = silence.matchers.iter().map(|matcher| {
        json!({
            "name": matcher.name, "value": matcher.value,
            "isRegex": matcher.operator.is_regex(), "isEqual": matcher.operator.is_equal(),
        })
    });
    json!({
        "matchers": matchers.collect::<Vec<_>>(),
        "startsAt": silence.starts_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "endsAt": silence.ends_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "createdBy": silence.created_by,
        "comment": silence.comment(),
    })
}

pub async fn send(api: &Api, write: &SilenceWrite) -> Sent {
    let unsent = |why: &str| Sent::Failed(Text::line(&format!("nothing was sent: {why}")));
    let writer = match Alertmanager::at(api, &write.server).await {
        Ok(alertmanager) => alertmanager.located.writer(&api.reader, &api.writer),
        Err(why) => return unsent(&why),
    };
    let writer = match writer {
        Ok(writer) => writer,
        Err(error) => return unsent(&error.to_string()),
    };
    let method = match method(&write.change) {
        WriteMethod::Delete => Method::DELETE,
        WriteMethod::Post | WriteMethod::Patch => Method::POST,
    };
    match writer.send(method, &path(&write.change), &body(&write.change), api.pace.write_timeout).await {
        Ok(answer) => match answer.status {
            200..=299 => Sent::Done(answer.json),
            408 => Sent::Unknown(words(&answer)),
            400..=499 => Sent::Refused { status: answer.status, says: words(&answer) },
            500.. => Sent::Unknown(Text::line(&format!("{} answered {}: {}", write.server, answer.status, words(&answer)))),
            status => Sent::Failed(Text::line(&format!("{} answered {status}: {}", write.server, words(&answer)))),
        },
        Err(WriteError::NotSent(error)) => unsent(&error.to_string()),
        Err(WriteError::NoAnswer(error)) => Sent::Unknown(error.text()),
    }
}

/// Through the service proxy the API server decides, by the verb of the method; else nobody can be asked.
pub fn permission(write: &SilenceWrite) -> Permission {
    let endpoint: Result<Endpoint, _> = write.server.parse();
    let Some((namespace, service)) = endpoint.as_ref().ok().and_then(Endpoint::proxied_service) else {
        return Permission::Unasked(Text::line(&format!("whether {} lets us shows when it is sent: it has no way to ask", write.server)));
    };
    let verb = match write.change {
        SilenceChange::Create(_) => "create",
        SilenceChange::Expire { .. } => "delete",
    };
    Permission::Review(json!({
        "namespace": namespace, "verb": verb, "group": "", "resource": "services", "subresource": "proxy", "name": service,
    }))
}

pub async fn look(api: &Api, write: &SilenceWrite) -> Result<Standing, Text> {
    let alertmanager = Alertmanager::at(api, &write.server).await?;
    match &write.change {
        SilenceChange::Create(silence) => {
            let is_there = marked(&alertmanager, &silence.mark).await?.is_some();
            Ok(if is_there { Standing::Done } else { Standing::NotDone })
        }
        SilenceChange::Expire { id, updated_at } => Ok(match alertmanager.silence(id).await? {
            None => Standing::Other(format!("{} knows no silence {id} any more", write.server)),
            Some(silence) if silence.state == State::Expired => Standing::Done,
            Some(silence) if silence.updated_at == *updated_at => Standing::NotDone,
            Some(silence) => Standing::Other(format!("the silence {id} was changed at {}", silence.updated_at)),
        }),
    }
}

pub async fn moved(api: &Api, write: &SilenceWrite) -> Result<Option<Text>, Text> {
    Ok(match (look(api, write).await?, &write.change) {
        (Standing::NotDone, _) => None,
        (Standing::Done, SilenceChange::Create(_)) => Some(Text::line(&format!("{} has this silence already", write.server))),
        (Standing::Done, SilenceChange::Expire { id, .. }) => Some(Text::line(&format!("the silence {id} has ended already"))),
        (Standing::Other(what), _) => Some(Text::line(&format!("changed since planned: {what}"))),
    })
}

/// The one that has this mark in its comment.
pub async fn marked(alertmanager: &Alertmanager, mark: &str) -> Result<Option<Silence>, Text> {
    let ours = in_comment(mark);
    Ok(alertmanager.silences().await?.into_iter().find(|silence| silence.comment.ends_with(&ours)))
}

pub fn record(write: &SilenceWrite) -> Value {
    let silence = match &write.change {
        SilenceChange::Create(NewSilence { mark, matchers, ends_at, .. }) => {
            let matchers: Vec<_> = matchers.iter().map(ToString::to_string).collect();
            json!({ "mark": mark, "matchers": matchers, "ends_at": ends_at.to_rfc3339_opts(SecondsFormat::Secs, true) })
        }
        SilenceChange::Expire { id, updated_at } => json!({ "id": id, "updated_at": updated_at }),
    };
    json!({ "method": method(&write.change), "path": path(&write.change), "server": write.server, "silence": silence })
}

/// By what the journal has of it.
pub async fn was_done(api: &Api, record: &Value) -> Result<bool, String> {
    let text = |name: &str| record.pointer(name).and_then(Value::as_str);
    let alertmanager = Alertmanager::open(api).await.map_err(|why| why.to_string())?;
    if let Some(mark) = text("/mark") {
        return Ok(marked(&alertmanager, mark).await.map_err(|why| why.to_string())?.is_some());
    }
    let id = text("/id").ok_or("its record names no silence")?;
    match alertmanager.silence(id).await.map_err(|why| why.to_string())? {
        None => Err(format!("Alertmanager knows no silence {id} any more")),
        Some(silence) if silence.state == State::Expired => Ok(true),
        Some(silence) if Some(silence.updated_at.as_str()) == text("/updated_at") => Ok(false),
        Some(silence) => Err(format!("the silence {id} was changed at {}", silence.updated_at)),
    }
}
