//! The accessors of atomic fields and of counters.

use quote::quote;

use super::documentation::about;
use super::{Accessors, FieldScope};

/// Generates the accessor of an atomic field or a counter. It has the name of the field, or `in_x` if that name would be hidden.
pub(super) fn expand(place: &FieldScope<'_>) -> Accessors {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let name = place.getter().unwrap_or_else(|| field.accessor("in_"));
    let (kind, sentence) = if field.is_counter() {
        (quote!(CounterField), "The counter {}.")
    } else {
        (quote!(Atomic), "The atomic field {}.")
    };
    let (visibility, outside) = (&field.visibility, place.scope.outside(&kind, &place.stored));
    let about = about(field, sentence);
    let body = place.body(&quote!(#runtime::#kind::of::<#number>(&self.0)));
    let lint = place.lint_of_getter();
    let roots = quote! {
        #about
        #lint
        #[inline]
        #visibility fn #name(&self) -> #outside {
            #body
        }
    };
    Accessors { roots, ..Accessors::default() }
}
