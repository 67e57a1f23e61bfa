//! Images (ENG-5): before anything is deployed, who is at fault for one that is missing.

use cc_ci_model::evidence::{ImageFound, ImageSeen};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;

use crate::text::count;

use super::{Assessment, Check, Context};

pub(super) fn assess(context: Context<'_>, images: &[ImageSeen]) -> Assessment {
    let mut assessment = Assessment::default();
    let wanted = context.declared().map_or(0, |stack| stack.services.len());
    if images.len() < wanted {
        let reason = format!("{} of {wanted} images were looked at", images.len());
        assessment.checks.push(Check::with("images", Outcome::errored(reason)));
    }
    for image in images {
        let (outcome, detail) = judge(image);
        if let Some(outcome) = outcome {
            assessment.checks.push(Check::new("images", outcome, detail));
        }
        if let ImageFound::LocalOnly { message, .. } = &image.found {
            assessment.warnings.push(Finding::new(
                "image_local_only",
                format!("image {} is in the local store only: {message}", image.reference),
                Some(image.service.clone()),
            ));
        }
        assessment.warnings.extend(retried(image));
    }
    if assessment.checks.is_empty() {
        let detail = format!("{} present", count(images.len(), "image"));
        assessment.checks.push(Check::passed("images", detail));
    }
    assessment
}

/// VER-7: what went well only on another try is told.
fn retried(image: &ImageSeen) -> Option<Finding> {
    let times = match image.retries {
        0 => return None,
        1 => "once more".to_owned(),
        times => format!("{times} times more"),
    };
    let ImageSeen { reference, service, .. } = image;
    let message = format!("the registry of image {reference} was busy: it had to be asked {times}");
    Some(Finding::new("registry_busy", message, Some(service.clone())))
}

fn judge(image: &ImageSeen) -> (Option<Outcome>, String) {
    let ImageSeen { service, reference, found, .. } = image;
    match found {
        ImageFound::Present { .. } | ImageFound::LocalOnly { .. } => (None, String::new()),
        ImageFound::NotFound { message } => {
            let reason = format!("service {service}: image {reference} does not exist: {message}");
            (Some(Outcome::failed(&reason)), reason)
        }
        ImageFound::Denied { message } => {
            let reason = format!(
                "service {service}: the registry denies image {reference}: it is private or missing; log in, or check the name: {message}"
            );
            (Some(Outcome::errored(&reason)), reason)
        }
        ImageFound::Unreachable { message } => {
            let reason = format!(
                "service {service}: the registry of image {reference} could not be asked: {message}"
            );
            (Some(Outcome::errored(&reason)), reason)
        }
    }
}
