//! Whether errors can be found in Elasticsearch: the index, its fields and its levels against the settings.

use std::time::Duration;

use super::Finding;
use crate::{
    config::shape::Errors,
    connect::{ConnectError, HttpReader},
    sources::elasticsearch::{
        self as logs,
        fields::{self, Fields, Mapping},
        proof::{self, Held},
    },
};

const ABOUT: &str = "Elasticsearch";

pub async fn check(client: &HttpReader, settings: &Errors, timeout: Duration) -> Vec<Finding> {
    let index = &settings.index;
    let mapping = match fields::look(client, settings, timeout).await {
        Ok(mapping) if mapping.indices == 0 => {
            return vec![Finding::warn(
                ABOUT,
                &format!("no open index matches {index}: it is missing or closed"),
                "open it, or set errors.index to where the logs are",
            )];
        }
        Ok(mapping) => Some(mapping),
        // A compatible server may not tell; whether documents are found shows nevertheless.
        Err(ConnectError::NotFound { .. } | ConnectError::Forbidden { .. }) => None,
        Err(error) => return vec![Finding::of_error(ABOUT, &error)],
    };
    let fields = mapping.as_ref().map_or_else(|| Fields::of(settings), |mapping| mapping.chosen(settings));
    let mut findings = mapping.as_ref().map_or_else(Vec::new, |mapping| of_fields(mapping, settings));
    findings.extend(of_documents(client, settings, mapping.as_ref(), &fields).await);
    findings
}

/// Configured fields that are not mapped, with the one that is read in their place.
fn of_fields(mapping: &Mapping, settings: &Errors) -> Vec<Finding> {
    let (own, chosen) = (Fields::of(settings), mapping.chosen(settings));
    let pairs = [
        ("time_field", &own.time, &chosen.time),
        ("level_field", &own.level, &chosen.level),
        ("service_field", &own.service, &chosen.service),
        ("message_field", &own.message, &chosen.message),
        ("pod_field", &own.pod, &chosen.pod),
        ("error_field", &own.error, &chosen.error),
    ];
    let mut findings = Vec::new();
    for (setting, own, chosen) in pairs {
        let mapped = mapping.get(own);
        if own != chosen {
            let what = mapped.map_or_else(|| "is not mapped".to_owned(), |mapped| format!("is {}", mapped.kinds()));
            let says = format!("the field {own} {what} in {}: {chosen} is read instead", settings.index);
            findings.push(Finding::warn(ABOUT, &says, &format!("set errors.{setting} = \"{chosen}\"")));
        } else if mapped.is_none() && setting != "error_field" {
            let says = format!("the field {own} is not mapped in {}", settings.index);
            findings.push(Finding::warn(ABOUT, &says, &format!("set errors.{setting} to the field that the logs have")));
        } else if mapped.is_some_and(|mapped| mapped.is_missing_somewhere) && matches!(setting, "time_field" | "level_field") {
            let says = format!("some indices of {} have no field {own}: errors there are not seen", settings.index);
            findings.push(Finding::warn(ABOUT, &says, "narrow errors.index to those that have it"));
        }
    }
    findings
}

/// Whether there are documents, and of the level that is looked for.
async fn of_documents(client: &HttpReader, settings: &Errors, mapping: Option<&Mapping>, fields: &Fields) -> Vec<Finding> {
    if let Some(why) = mapping.and_then(|mapping| proof::unmapped(mapping, fields, settings)) {
        return vec![Finding::warn(ABOUT, &format!("errors cannot be found: {why}"), "sev1 shows no errors from here until this is set")];
    }
    let answer = match logs::ask(client, settings, &proof::question(fields, mapping)).await {
        Ok(answer) => answer,
        Err(error) => return vec![Finding::of_error(ABOUT, &error)],
    };
    // What did not answer may hold what is looked for.
    if let Some(why) = logs::left_out(&answer) {
        let says = format!("nobody can tell whether errors would be found: {why}");
        return vec![Finding::warn(ABOUT, &says, "see the health of Elasticsearch itself")];
    }
    let ever = match logs::ask(client, settings, &proof::ever(fields, settings)).await {
        Ok(answer) => proof::count(&answer).unwrap_or(0) > 0,
        Err(error) => return vec![Finding::of_error(ABOUT, &error)],
    };
    let levels = proof::levels(&answer);
    let overlooked = proof::overlooked(&levels, settings);
    if !overlooked.is_empty() {
        let says = format!("the last hour has levels that may be errors and are not counted: {}", proof::named(overlooked));
        return vec![Finding::warn(ABOUT, &says, &format!("set errors.level, several with commas; it is {:?}", settings.level))];
    }
    match proof::read(&answer, fields, settings, mapping) {
        Held::Unknown(why) => vec![Finding::warn(ABOUT, &why, "check that logs are shipped there, and the settings of [errors]")],
        Held::Documents(levels) if !ever => {
            vec![Finding::warn(ABOUT, &proof::never(&levels, fields, settings), "check errors.level and errors.level_field")]
        }
        Held::Documents(_) => {
            vec![Finding::ok(ABOUT, &format!("{} holds documents of the last 15 min, and of {} {}", settings.index, fields.level, settings.level))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_known_field_is_named_with_the_setting_to_change() {
        let mapping = Mapping::of(&[("@timestamp", "date"), ("log.level", "keyword"), ("service.name", "keyword"), ("message", "text")]);
        let findings = of_fields(&mapping, &Errors::default());
        let told: Vec<_> = findings.iter().map(|finding| (&*finding.says, finding.remedy.as_deref().unwrap_or_default())).collect();
        assert_eq!(
            told,
            [
                ("the field level is not mapped in logstash-*: log.level is read instead", "set errors.level_field = \"log.level\""),
                ("the field service is not mapped in logstash-*: service.name is read instead", "set errors.service_field = \"service.name\""),
                ("the field kubernetes.pod is not mapped in logstash-*", "set errors.pod_field to the field that the logs have"),
            ]
        );
    }
}
