//! Compares the attribute with the function: assigns arguments to parameters, and reports what does not fit.

use quote::quote;
use syn::{Error, Expr, PatType, Result, Type};

use crate::attribute::{Attribute, Schedule};
use crate::function::{Function, borrowed};
use crate::kind::Kind;
use crate::options;

/// How the job calls the function.
pub(crate) struct Call<'a> {
    /// The type of the first parameter, if the parameter is the `Run`.
    pub(crate) run: Option<&'a Type>,
    /// Each argument with its parameter.
    pub(crate) arguments: Vec<(&'a Expr, &'a PatType)>,
}

pub(crate) fn call<'a>(attribute: &'a Attribute, function: &'a Function) -> Result<Call<'a>> {
    if let (Some(word), true) = (&attribute.blocking, function.is_async) {
        return Err(Error::new_spanned(
            word,
            "`blocking` is for functions that block their thread, and an `async fn` must not: remove `blocking`, or \
             the `async` of the function",
        ));
    }
    // A type of the user may be called `Run` too. If there is an argument for the parameter, the argument is passed.
    let is_given = attribute.arguments.len() == function.parameters.len();
    let run = function.run().filter(|_| !is_given);
    let parameters = &function.parameters[usize::from(run.is_some())..];
    if let (Some(ty), true) = (run.filter(|ty| borrowed(ty).is_some()), function.is_async) {
        return Err(Error::new_spanned(
            ty,
            "an `async fn` outlives this borrow: write `Run`, without `&`",
        ));
    }
    if let Some(extra) = attribute.arguments.get(parameters.len()) {
        return Err(too_many(extra, parameters.len(), attribute.kind, function));
    }
    if let Some(parameter) = parameters.get(attribute.arguments.len()) {
        return Err(too_few(parameter, attribute, function));
    }
    for argument in &attribute.arguments {
        refuse_borrow_of_temporary(argument)?;
    }
    Ok(Call {
        run,
        arguments: attribute.arguments.iter().zip(parameters).collect(),
    })
}

fn too_many(extra: &Expr, expected: usize, kind: Kind, function: &Function) -> Error {
    if let Some(word) = bare_word(extra) {
        return Error::new_spanned(extra, options::unknown(kind, &word));
    }
    let arguments = match expected {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    };
    Error::new_spanned(
        extra,
        format!(
            "`{}` takes {arguments} after the {}: remove this one, or add a parameter for it",
            function.name,
            kind.first(),
        ),
    )
}

fn too_few(parameter: &PatType, attribute: &Attribute, function: &Function) -> Error {
    let (pattern, ty) = (&parameter.pat, &parameter.ty);
    let first = match &attribute.schedule {
        Schedule::Interval(text) => quote!(#text),
        Schedule::Constant(expression) | Schedule::Cron(expression) => quote!(#expression),
        Schedule::Times(times) => match &times[..] {
            [time] => quote!(#time),
            times => quote!([#(#times),*]),
        },
    };
    let (kind, noun) = (attribute.kind.name(), attribute.kind.first());
    Error::new_spanned(
        parameter,
        format!(
            "`#[{kind}({first}, ...)]` has no argument for this parameter of `{}`: write a value for `{}` of type `{}` \
             after the {noun} (only a first parameter of type `Run` is given by the scheduler)",
            function.name,
            quote!(#pattern),
            quote!(#ty),
        ),
    )
}

/// Returns a single lower-case word: more likely a misspelt option than a constant.
fn bare_word(expression: &Expr) -> Option<String> {
    let Expr::Path(path) = expression else { return None };
    let word = path.path.get_ident()?.to_string();
    word.chars().all(|letter| !letter.is_uppercase()).then_some(word)
}

/// Refuses `&call()`, which cannot live as long as the job. The compiler's own error would not say what to write
/// instead.
fn refuse_borrow_of_temporary(argument: &Expr) -> Result<()> {
    let Expr::Reference(borrow) = argument else {
        return Ok(());
    };
    let is_temporary = match &*borrow.expr {
        Expr::Call(call) => !is_constructor(&call.func),
        Expr::MethodCall(_) => true,
        Expr::Macro(call) => call.mac.path.is_ident("format") || call.mac.path.is_ident("vec"),
        _ => false,
    };
    if !is_temporary {
        return Ok(());
    }
    Err(Error::new_spanned(
        argument,
        "this borrows a value that is gone before the job runs: pass the value itself, without `&`, and let the \
         parameter own it (`String` for `&str`, `Vec<T>` for `&[T]`), or borrow a literal, a constant or a static",
    ))
}

/// Whether the callee is a constructor such as `Some` or `Point`. A constructor call with constants is a constant.
fn is_constructor(callee: &Expr) -> bool {
    let Expr::Path(path) = callee else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|last| last.ident.to_string().starts_with(char::is_uppercase))
}
