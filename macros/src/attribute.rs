//! Reads the parentheses of `#[every(...)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Result, Token};

use crate::options::{self, Effect};

pub(crate) struct Attribute {
    pub(crate) interval: Interval,
    /// The arguments for the function.
    pub(crate) arguments: Vec<Expr>,
    /// The methods of `JobBuilder` to call, in the order of the source.
    pub(crate) methods: Vec<(Ident, Option<Value>)>,
    pub(crate) tags: Vec<Expr>,
    /// The bare word `blocking`.
    pub(crate) blocking: Option<Ident>,
    /// The path of the crate `atevery`.
    pub(crate) atevery: TokenStream,
}

pub(crate) enum Interval {
    /// A text such as `"2s"`, which `parse_interval` reads at compile time.
    Text(LitStr),
    /// A constant expression of type `Duration`.
    Constant(Expr),
}

impl Attribute {
    pub(crate) fn read(tokens: TokenStream) -> Result<Attribute> {
        read.parse2(tokens)
    }
}

fn read(input: ParseStream) -> Result<Attribute> {
    let mut options = Options::default();
    let mut positional = Vec::new();
    while !input.is_empty() {
        if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
            options.read_setting(input)?;
        } else if let Some(word) = switch(input)? {
            options.switch(word)?;
        } else {
            positional.push(ungrouped(input.parse()?));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    let mut positional = positional.into_iter();
    let interval = positional.next().ok_or_else(no_interval)?;
    Ok(Attribute {
        interval: Interval::of(interval)?,
        arguments: positional.collect(),
        methods: options.methods,
        tags: options.tags,
        blocking: options.blocking,
        atevery: options.atevery.map_or_else(|| quote!(::atevery), |path| quote!(#path)),
    })
}

/// Reads a bare word that is an option. Any other word is an expression, and so is the name of an option in
/// parentheses.
fn switch(input: ParseStream) -> Result<Option<Ident>> {
    let ahead = input.fork();
    let Ok(word) = ahead.call(Ident::parse_any) else {
        return Ok(None);
    };
    if !(ahead.is_empty() || ahead.peek(Token![,])) || options::find(&word.to_string()).is_none() {
        return Ok(None);
    }
    input.call(Ident::parse_any).map(Some)
}

/// Returns the expression without the invisible parentheses of a `macro_rules` variable.
fn ungrouped(expression: Expr) -> Expr {
    match expression {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

fn no_interval() -> Error {
    Error::new(
        Span::call_site(),
        "how often? The first argument is the interval: write `#[every(\"2s\")]`, or a constant of type `Duration`",
    )
}

impl Interval {
    fn of(expression: Expr) -> Result<Interval> {
        let Expr::Lit(literal) = &expression else {
            return Ok(Interval::Constant(expression));
        };
        match &literal.lit {
            Lit::Str(text) => Ok(Interval::Text(text.clone())),
            Lit::Int(number) => Err(Error::new_spanned(
                number,
                format!(
                    "an interval needs a unit: write \"{0}s\" for {0} seconds, or a constant of type `Duration`",
                    number.base10_digits()
                ),
            )),
            other => Err(Error::new_spanned(
                other,
                "this is no interval: write a string such as \"2s\" or \"1m 30s\", or a constant of type `Duration`",
            )),
        }
    }
}

/// The value of an option.
pub(crate) enum Value {
    Expression(Expr),
    /// A length of time such as `"2s"`.
    Text(LitStr),
}

impl Value {
    fn duration(expression: Expr) -> Value {
        match ungrouped(expression) {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Value::Text(text),
            other => Value::Expression(other),
        }
    }
}

#[derive(Default)]
struct Options {
    seen: Vec<String>,
    methods: Vec<(Ident, Option<Value>)>,
    tags: Vec<Expr>,
    blocking: Option<Ident>,
    atevery: Option<Path>,
}

impl Options {
    /// Reads `key = value`.
    fn read_setting(&mut self, input: ParseStream) -> Result<()> {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        match self.effect(&key)? {
            Effect::Method => self.methods.push((key, Some(Value::Expression(input.parse()?)))),
            Effect::Duration => self.methods.push((key, Some(Value::duration(input.parse()?)))),
            Effect::Tag => self.tags.push(input.parse()?),
            Effect::Crate => self.atevery = Some(input.call(Path::parse_mod_style)?),
            Effect::Switch | Effect::Blocking => {
                let message = format!("`{key}` has no value: write the bare word `{key}`");
                return Err(Error::new_spanned(key, message));
            }
        }
        Ok(())
    }

    /// Applies a bare word.
    fn switch(&mut self, word: Ident) -> Result<()> {
        match self.effect(&word)? {
            Effect::Blocking => self.blocking = Some(word),
            Effect::Switch => self.methods.push((word, None)),
            effect => {
                let usage = options::usage(&word.to_string(), effect);
                return Err(Error::new_spanned(
                    &word,
                    format!("`{word}` needs a value: write {usage}"),
                ));
            }
        }
        Ok(())
    }

    fn effect(&mut self, word: &Ident) -> Result<Effect> {
        let name = word.unraw().to_string();
        let effect = options::find(&name).ok_or_else(|| Error::new_spanned(word, options::unknown(&name)))?;
        if effect != Effect::Tag && self.seen.contains(&name) {
            return Err(Error::new_spanned(word, format!("`{name}` is given twice: remove one")));
        }
        self.seen.push(name);
        Ok(effect)
    }
}
