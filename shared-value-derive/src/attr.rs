//! The `#[shared(..)]` attributes: their contents, and the errors for unknown words in them.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Lit, LitInt, LitStr, Meta, Path, Token, Type};

use crate::context::Context;
use crate::nearest::nearest;
use crate::symbol::{
    ATOMIC, CONTAINER_WORDS, COUNTER, CRATE, EVOLVES, FIELD_WORDS, FINGERPRINT, LANES, LAYOUT, POD, RELEASED, SHARED,
    SIZE, Symbol, TYPECODE,
};

/// The contents of the `#[shared(..)]` attributes of a type.
#[derive(Default)]
pub(crate) struct ContainerAttributes {
    pub(crate) crate_path: Option<Path>,
    pub(crate) layout: Option<LitStr>,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) size: Option<LitInt>,
    pub(crate) evolves: Option<Span>,
    /// Earlier versions of the type.
    pub(crate) released: Vec<Type>,
    /// The number of lanes of its counters.
    pub(crate) lanes: Option<LitInt>,
}

/// The contents of the `#[shared(..)]` attributes of a field.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) atomic: Option<Span>,
    pub(crate) counter: Option<Span>,
    pub(crate) pod: Option<Span>,
    pub(crate) typecode: Option<LitStr>,
}

#[derive(Clone, Copy)]
pub(crate) struct Fingerprint {
    pub(crate) value: u64,
    pub(crate) span: Span,
}

impl ContainerAttributes {
    pub(crate) fn parse(context: &Context, attributes: &[Attribute]) -> Self {
        let mut parsed = Self::default();
        each_word(context, attributes, &CONTAINER_WORDS, |word, meta| {
            match word {
                CRATE => parsed.crate_path = Some(crate_path(meta)?),
                LAYOUT => parsed.layout = Some(string(meta, LAYOUT, "T{<q:balance:}")?),
                FINGERPRINT => parsed.fingerprint = Some(fingerprint(meta)?),
                SIZE => parsed.size = Some(size(meta)?),
                EVOLVES => parsed.evolves = Some(flag(meta, EVOLVES)?),
                RELEASED => parsed.released = released(meta)?,
                LANES => parsed.lanes = Some(lanes(meta)?),
                _ => {}
            }
            Ok(())
        });
        parsed
    }
}

impl FieldAttributes {
    pub(crate) fn parse(context: &Context, attributes: &[Attribute]) -> Self {
        let mut parsed = Self::default();
        each_word(context, attributes, &FIELD_WORDS, |word, meta| {
            match word {
                ATOMIC => parsed.atomic = Some(flag(meta, ATOMIC)?),
                COUNTER => parsed.counter = Some(flag(meta, COUNTER)?),
                POD => parsed.pod = Some(flag(meta, POD)?),
                TYPECODE => parsed.typecode = Some(string(meta, TYPECODE, "(3)<f")?),
                _ => {}
            }
            Ok(())
        });
        parsed
    }
}

/// Refuses every `#[shared(..)]` in a place where it has no meaning.
pub(crate) fn refuse(context: &Context, attributes: &[Attribute], place: &str) {
    for attribute in shared(attributes) {
        context.on(attribute, &format!("`#[shared(..)]` has no meaning on {place}: remove it"));
    }
}

fn shared(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| SHARED.is(attribute.path()))
}

/// Calls `take` with each known word, and reports all other words. Continues after an error.
fn each_word(
    context: &Context,
    attributes: &[Attribute],
    known: &[Symbol],
    mut take: impl FnMut(Symbol, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    let mut seen = Vec::new();
    for attribute in shared(attributes) {
        if !matches!(attribute.meta, Meta::List(_)) {
            let names = list(known);
            context.on(attribute, &format!("`#[shared(..)]` needs its words in parentheses: {names}"));
            continue;
        }
        let parsed = attribute.parse_nested_meta(|meta| {
            let Some(&word) = known.iter().find(|word| word.is(&meta.path)) else {
                context.on(&meta.path, &unknown(&meta.path, known));
                return skip_value(&meta);
            };
            if seen.contains(&word) {
                context.on(&meta.path, &format!("`{}` is written twice: remove one", word.0));
                return skip_value(&meta);
            }
            seen.push(word);
            match take(word, &meta) {
                Ok(()) => Ok(()),
                Err(error) => {
                    context.push(error);
                    skip_value(&meta)
                }
            }
        });
        if let Err(error) = parsed {
            context.push(error);
        }
    }
}

fn unknown(path: &Path, known: &[Symbol]) -> String {
    let word = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::");
    let belongs = |words: &[Symbol]| words.iter().any(|symbol| symbol.0 == word);
    if belongs(&CONTAINER_WORDS) {
        return format!("`{word}` belongs to the type: write it above the type");
    }
    if belongs(&FIELD_WORDS) {
        return format!("`{word}` belongs to a field: write it above the field");
    }
    let names = known.iter().map(|symbol| symbol.0).collect::<Vec<_>>();
    match nearest(&word, &names) {
        Some(name) => format!("`{word}` is unknown to `#[shared(..)]`: did you mean `{name}`?"),
        None => format!("`{word}` is unknown to `#[shared(..)]`, which takes {} here", list(known)),
    }
}

fn list(known: &[Symbol]) -> String {
    known.iter().map(|symbol| format!("`{}`", symbol.0)).collect::<Vec<_>>().join(", ")
}

/// Skips the value of a refused word, so that the words after it are checked too.
fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        meta.input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn flag(meta: &ParseNestedMeta<'_>, word: Symbol) -> syn::Result<Span> {
    if meta.input.is_empty() || meta.input.peek(Token![,]) {
        return Ok(meta.path.span());
    }
    let surplus = meta.input.parse::<proc_macro2::TokenTree>()?;
    let message = format!("`{0}` takes no value: write `#[shared({0})]`", word.0);
    Err(syn::Error::new(surplus.span(), message))
}

fn literal(meta: &ParseNestedMeta<'_>, form: &str) -> syn::Result<Lit> {
    if !meta.input.peek(Token![=]) {
        let message = format!("a value is missing: write `{form}`");
        return Err(syn::Error::new(meta.path.span(), message));
    }
    let mut expression = meta.value()?.parse::<Expr>()?;
    while let Expr::Group(group) = expression {
        expression = *group.expr;
    }
    match expression {
        Expr::Lit(literal) => Ok(literal.lit),
        other => Err(syn::Error::new_spanned(other, format!("expected a literal: write `{form}`"))),
    }
}

fn string(meta: &ParseNestedMeta<'_>, word: Symbol, example: &str) -> syn::Result<LitStr> {
    let form = format!("{} = \"{example}\"", word.0);
    match literal(meta, &form)? {
        Lit::Str(string) => Ok(string),
        other => Err(syn::Error::new(other.span(), format!("expected a string: write `{form}`"))),
    }
}

fn crate_path(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    let string = string(meta, CRATE, "::shared_value")?;
    string.parse_with(Path::parse_mod_style).map_err(|_| {
        syn::Error::new(string.span(), "expected the path of the `shared_value` crate, such as `\"::shared_value\"`")
    })
}

fn fingerprint(meta: &ParseNestedMeta<'_>) -> syn::Result<Fingerprint> {
    let string = string(meta, FINGERPRINT, "0x0123456789abcdef")?;
    let text = string.value().replace('_', "");
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
    match digits.map(|digits| u64::from_str_radix(digits, 16)) {
        Some(Ok(value)) => Ok(Fingerprint { value, span: string.span() }),
        _ => Err(syn::Error::new(
            string.span(),
            "expected 64 bits in hexadecimal: write `fingerprint = \"0x0123456789abcdef\"`",
        )),
    }
}

/// Returns the types of `released = v1::Account`, or of `released = (v1::Account, v2::Account)`.
fn released(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<Type>> {
    let form = "released = v1::Account";
    if !meta.input.peek(Token![=]) {
        return Err(syn::Error::new(meta.path.span(), format!("a type is missing: write `{form}`")));
    }
    let value = meta.value()?;
    if value.peek(Lit) {
        let literal = value.parse::<Lit>()?;
        return Err(syn::Error::new(literal.span(), format!("expected a type: write `{form}`")));
    }
    Ok(match value.parse::<Type>()? {
        Type::Tuple(types) => types.elems.into_iter().collect(),
        ty => vec![ty],
    })
}

fn lanes(meta: &ParseNestedMeta<'_>) -> syn::Result<LitInt> {
    match literal(meta, "lanes = 16")? {
        Lit::Int(lanes)
            if lanes.base10_parse().is_ok_and(|lanes: u64| (1..=4096).contains(&lanes)) && is_usize(&lanes) =>
        {
            Ok(lanes)
        }
        other => Err(syn::Error::new(other.span(), "expected a number of lanes from 1 to 4096: write `lanes = 16`")),
    }
}

fn size(meta: &ParseNestedMeta<'_>) -> syn::Result<LitInt> {
    match literal(meta, "size = 8")? {
        Lit::Int(size) if size.base10_parse::<u64>().is_ok() && is_usize(&size) => Ok(size),
        other => Err(syn::Error::new(other.span(), "expected a number of bytes: write `size = 8`")),
    }
}

fn is_usize(literal: &LitInt) -> bool {
    matches!(literal.suffix(), "" | "usize")
}
