//! Reads the function below the attribute, as far as the registration needs the function.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, FnArg, GenericParam, Ident, PatType, Result, Safety, Signature, Type, Visibility, token};

use crate::kind::Kind;

pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) parameters: Vec<PatType>,
    pub(crate) is_async: bool,
    /// `#[cfg]` attributes, which the registration repeats.
    pub(crate) conditions: Vec<Attribute>,
}

impl Function {
    pub(crate) fn read(kind: Kind, tokens: TokenStream) -> Result<Function> {
        let read = |input: ParseStream<'_>| read(kind, input);
        read.parse2(tokens)
    }

    /// Returns the type of the first parameter if the parameter is the `Run`, by value or by reference. The scheduler
    /// passes the `Run`.
    pub(crate) fn run(&self) -> Option<&Type> {
        let ty = &*self.parameters.first()?.ty;
        let Type::Path(path) = borrowed(ty).unwrap_or(ty) else {
            return None;
        };
        let last = path.path.segments.last()?;
        (last.ident == "Run" && last.arguments.is_none()).then_some(ty)
    }
}

/// Returns the type behind a shared reference.
pub(crate) fn borrowed(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_none() => Some(&reference.elem),
        _ => None,
    }
}

fn read(kind: Kind, input: ParseStream) -> Result<Function> {
    let attributes = input.call(Attribute::parse_outer)?;
    let start = input.span();
    input.parse::<Visibility>()?;
    let signature: Signature = input.parse().map_err(|_| no_function(kind, start))?;
    let parameters = parameters(kind, &signature)?;
    refuse_generics(kind, &signature)?;
    refuse_unsafe(&signature)?;
    if !input.peek(token::Brace) {
        return Err(Error::new_spanned(
            signature.ident,
            "a function without a body can't be a job",
        ));
    }
    // The compiler checks the body.
    input.parse::<TokenStream>()?;
    Ok(Function {
        name: signature.ident,
        parameters,
        is_async: signature.asyncness.is_some(),
        conditions: attributes
            .into_iter()
            .filter(|attribute| attribute.path().is_ident("cfg"))
            .collect(),
    })
}

fn no_function(kind: Kind, start: Span) -> Error {
    let message = format!(
        "`#[{}]` belongs on a function: move it above a `fn` or an `async fn`",
        kind.name()
    );
    Error::new(start, message)
}

fn parameters(kind: Kind, signature: &Signature) -> Result<Vec<PatType>> {
    signature.inputs.iter().map(|input| match input {
        FnArg::Typed(parameter) => Ok(parameter.clone()),
        FnArg::Receiver(receiver) => Err(Error::new_spanned(
            receiver,
            format!(
                "a method can't be a job, for nothing says on which value to call it: put `#[{}]` on a function outside \
                 of the `impl`, or register a closure by `scheduler.every(interval).run(move || value.method())`",
                kind.name()
            ),
        )),
    }).collect()
}

fn refuse_generics(kind: Kind, signature: &Signature) -> Result<()> {
    for parameter in &signature.generics.params {
        let name = match parameter {
            GenericParam::Type(parameter) => &parameter.ident,
            GenericParam::Const(parameter) => &parameter.ident,
            _ => continue,
        };
        return Err(Error::new_spanned(
            parameter,
            format!(
                "a generic function can't be a job, for nothing says what `{name}` is: put `#[{}]` on a function \
                 without type parameters that calls it",
                kind.name()
            ),
        ));
    }
    Ok(())
}

fn refuse_unsafe(signature: &Signature) -> Result<()> {
    let Safety::Unsafe(token) = &signature.safety else {
        return Ok(());
    };
    Err(Error::new_spanned(
        token,
        "an unsafe function can't be a job: put `#[every]` on a safe function that calls it",
    ))
}
