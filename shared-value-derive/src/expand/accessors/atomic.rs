//! The accessors of atomic fields.

use quote::quote;

use super::documentation::about;
use super::{Accessors, FieldScope};

/// Generates the accessor of an atomic field. It has the name of the field, or `in_x` if that name would be hidden.
pub(super) fn expand(place: &FieldScope<'_>) -> Accessors {
    let (field, number, runtime) = (place.field, &place.number, &place.scope.runtime);
    let name = place.getter().unwrap_or_else(|| field.accessor("in_"));
    let (visibility, atomic) = (&field.visibility, place.scope.atomic(&place.stored));
    let about = about(field, "The atomic field {}.");
    let body = place.body(&quote!(#runtime::Atomic::of::<#number>(&self.0)));
    let roots = quote! {
        #about
        #[inline]
        #visibility fn #name(&self) -> #atomic {
            #body
        }
    };
    Accessors { roots, ..Accessors::default() }
}
