//! `cc-ci schema`: the JSON Schema of a format, from the types this very program has (IN-3).

use cc_ci_core::schema::documents;

use super::print;
use crate::args::SchemaArgs;
use crate::failure::Failure;

/// Prints one schema, or which there are.
pub(crate) fn schema(args: &SchemaArgs) -> Result<u8, Failure> {
    let documents = documents();
    let wanted = args.format.as_deref();
    if let Some(document) = documents.iter().find(|document| Some(document.name) == wanted) {
        print(&document.text())?;
        return Ok(0);
    }
    for document in &documents {
        print(&format!("cc-ci schema {:12} {}\n", document.name, document.what))?;
    }
    Ok(0)
}
