//! The copies of this library in the process.
//!
//! A host and its plugins may each contain a copy, perhaps of another version. All copies put their locks into the same
//! robust list of a thread, and a copy knows only its own locks there. So before a copy adds its first lock to a list that
//! has entries, it asks the others whether any of these is theirs.
//!
//! The dynamic linker does not unify symbols of programs and of plugins in general. So each copy carries a note in its
//! object (`elf(5)`), which says where its `Copy` lies. A copy looks through the notes of all objects when it is loaded, and
//! joins the ring of the copies that were loaded before.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::transmute;
use std::ptr;
use std::slice;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr};

/// A copy of the library. Copies of other versions rely on this form, as long as notes have the kind `KIND`.
#[repr(C)]
struct Copy {
    /// The next copy in the ring. Null until this copy has joined.
    next: AtomicPtr<Copy>,
    /// Returns whether the calling thread has a lock of this copy in its robust list.
    holds: extern "C" fn() -> bool,
    /// The path of the object, which the dynamic linker keeps; empty for the program itself. Set before `next`.
    object: AtomicPtr<c_char>,
    /// The version of the library, ending with a zero.
    version: [u8; 32],
}

static THIS: Copy = Copy::new();

impl Copy {
    const fn new() -> Self {
        let (next, object) = (AtomicPtr::new(ptr::null_mut()), AtomicPtr::new(ptr::null_mut()));
        Self { next, holds: holds_here, object, version: version() }
    }
}

const NAME: &[u8] = b"SharedValue\0";
const KIND: u32 = 1;

// The note: length of the name, length of the content, kind, name, content. The content is the distance from itself to the
// copy. With a name of 12 bytes, the note has one form for both alignments of notes, 4 and 8.
core::arch::global_asm!(
    ".pushsection .note.SharedValue, \"a\", @note",
    ".balign 4",
    ".long 12",
    ".long 8",
    ".long 1",
    ".asciz \"SharedValue\"",
    ".quad {this} - .",
    ".popsection",
    this = sym THIS,
);

const fn version() -> [u8; 32] {
    let (from, mut to, mut index) = (env!("CARGO_PKG_VERSION").as_bytes(), [0; 32], 0);
    while index < from.len() && index < to.len() - 1 {
        to[index] = from[index];
        index += 1;
    }
    to
}

/// The function that answers for this copy, once it is registered.
static HOLDS: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

extern "C" fn holds_here() -> bool {
    let holds = HOLDS.load(Acquire);
    // SAFETY: only `register` stores here: a pointer to a function of this type. `Option` makes a null pointer `None`.
    let holds = unsafe { transmute::<*mut (), Option<fn() -> bool>>(holds) };
    holds.is_some_and(|holds| holds())
}

/// Makes the other copies in this process know this one. `holds` returns whether the calling thread has a lock of this copy
/// in its robust list.
///
/// # Errors
/// If the dynamic linker does not show this copy's object, or cannot keep it loaded, or if there is a copy whose note is of
/// another kind.
pub(crate) fn register(holds: fn() -> bool) -> io::Result<()> {
    if !THIS.next.load(Acquire).is_null() {
        return Ok(());
    }
    stay_loaded()?;
    HOLDS.store(holds as *mut (), Release);
    let search = Search::through_all_objects();
    if search.is_any_strange {
        return Err(io::ErrorKind::Unsupported.into());
    }
    THIS.object.store(search.object.ok_or(io::ErrorKind::NotFound)?.cast_mut(), Relaxed);
    let this = ptr::from_ref(&THIS).cast_mut();
    let Some(peer) = search.peer else {
        // The dynamic linker loads one object after the other, so no other copy registers at this moment.
        THIS.next.store(this, Release);
        return Ok(());
    };
    let mut next = peer.next.load(Acquire);
    loop {
        THIS.next.store(next, Release);
        match peer.next.compare_exchange(next, this, AcqRel, Acquire) {
            Ok(_) => return Ok(()),
            Err(seen) => next = seen,
        }
    }
}

/// A copy in another object, or of another version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherCopy {
    pub(crate) version: &'static str,
    /// The path of its object; empty for the program itself.
    pub(crate) object: &'static str,
}

/// Returns whether the calling thread has locks of another copy in its robust list.
pub(crate) fn is_any_held() -> bool {
    others().any(|copy| (copy.holds)())
}

/// Returns the other copy whose locks the calling thread has in its robust list.
pub(crate) fn holder() -> Option<OtherCopy> {
    let copy = others().find(|copy| (copy.holds)())?;
    let version = CStr::from_bytes_until_nul(&copy.version).ok().and_then(|version| version.to_str().ok());
    // SAFETY: a copy sets the pointer before it joins the ring, to a text of the dynamic linker, which keeps the text as long
    // as the object: forever.
    let object = unsafe { CStr::from_ptr(copy.object.load(Relaxed)) };
    Some(OtherCopy { version: version.unwrap_or("?"), object: object.to_str().unwrap_or("?") })
}

/// Returns the other copies of the ring.
fn others() -> impl Iterator<Item = &'static Copy> {
    std::iter::successors(following(&THIS), |copy| following(copy))
}

/// Returns the copy that follows in the ring, unless that is this one.
fn following(copy: &Copy) -> Option<&'static Copy> {
    let next = copy.next.load(Acquire);
    // SAFETY: only copies that stay loaded join the ring, and all fields of a `Copy` are constant or atomic.
    unsafe { next.as_ref() }.filter(|next| !ptr::eq(*next, &raw const THIS))
}

/// Keeps the object that contains this copy loaded until the process ends, for functions that the C library calls later: at
/// a `fork`, and at the end of a thread.
///
/// # Errors
/// If the dynamic linker does not show the object, or refuses.
pub(crate) fn stay_loaded() -> io::Result<()> {
    static STAYS: AtomicBool = AtomicBool::new(false);
    if STAYS.load(Relaxed) {
        return Ok(());
    }
    let object = Search::through_all_objects().object.ok_or(io::ErrorKind::NotFound)?;
    // SAFETY: the dynamic linker keeps this text while the object is loaded, and the object contains this code.
    let is_program = unsafe { CStr::from_ptr(object) }.is_empty();
    // The program itself is never unloaded. The other objects are known by the paths by which they were found.
    if !is_program {
        let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
        // SAFETY: the path ends with a zero. The object is loaded already, so the call runs no code of it.
        if unsafe { libc::dlopen(object, flags) }.is_null() {
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    STAYS.store(true, Relaxed);
    Ok(())
}

/// The copies in all loaded objects.
#[derive(Default)]
struct Search {
    /// The path of the object that contains this copy; empty for the program itself.
    object: Option<*const c_char>,
    /// Another copy, which has joined a ring.
    peer: Option<&'static Copy>,
    /// Whether there is a copy that this one does not understand.
    is_any_strange: bool,
}

impl Search {
    fn through_all_objects() -> Self {
        unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: libc::size_t, search: *mut c_void) -> c_int {
            // SAFETY: this is the pointer that `through_all_objects` has passed, and nothing else uses its target meanwhile.
            let search = unsafe { &mut *search.cast::<Search>() };
            // SAFETY: the C library passes a description of a loaded object, which it changes only after this call.
            search.visit(unsafe { &*info });
            0
        }

        let mut search = Self::default();
        // SAFETY: the function has the required type, and the pointer leads to the local that it expects.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
        search
    }

    fn visit(&mut self, object: &libc::dl_phdr_info) {
        if object.dlpi_phdr.is_null() {
            return;
        }
        // SAFETY: the C library describes a loaded object: its program headers lie there.
        let headers = unsafe { slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
        let is_loaded = |note: &libc::Elf64_Phdr| {
            let range = |header: &libc::Elf64_Phdr| header.p_vaddr..header.p_vaddr.saturating_add(header.p_memsz);
            headers
                .iter()
                .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_R != 0)
                .any(|header| range(header).contains(&note.p_vaddr) && range(note).end <= range(header).end)
        };
        for header in headers.iter().filter(|header| header.p_type == libc::PT_NOTE && is_loaded(header)) {
            let address = usize::try_from(object.dlpi_addr.wrapping_add(header.p_vaddr)).expect("64 bits");
            let (start, length) = (ptr::with_exposed_provenance(address), usize::try_from(header.p_memsz));
            // SAFETY: the notes lie in a segment of the object that is loaded and readable, and nothing writes to notes.
            let notes = unsafe { slice::from_raw_parts::<u8>(start, length.expect("64 bits")) };
            let align = if header.p_align == 8 { 8 } else { 4 };
            self.read(notes, align, object.dlpi_name);
        }
    }

    /// Looks at the notes of an object.
    fn read(&mut self, mut notes: &[u8], align: usize, object: *const c_char) {
        let number = |notes: &[u8], at: usize| -> Option<usize> {
            let bytes = notes.get(at..)?.first_chunk()?;
            usize::try_from(u32::from_ne_bytes(*bytes)).ok()
        };
        while let (Some(name), Some(content), Some(kind)) = (number(notes, 0), number(notes, 4), number(notes, 8)) {
            let start = (12 + name).next_multiple_of(align);
            if notes.get(12..12 + name) == Some(NAME) {
                match notes.get(start..start + content).map(<&[u8; 8]>::try_from) {
                    Some(Ok(distance)) if kind == KIND as usize => self.see(distance, object),
                    _ => self.is_any_strange = true,
                }
            }
            notes = notes.get((start + content).next_multiple_of(align)..).unwrap_or_default();
        }
    }

    /// Looks at a copy, which lies at a distance from the content of its note.
    fn see(&mut self, distance: &[u8; 8], object: *const c_char) {
        let address = distance.as_ptr().expose_provenance().wrapping_add_signed(isize::from_ne_bytes(*distance));
        if address == ptr::from_ref(&THIS).expose_provenance() {
            self.object = Some(object);
            return;
        }
        let copy: *const Copy = ptr::with_exposed_provenance(address);
        // SAFETY: a note of this name and kind says that a `Copy` lies there. Its object is loaded during this search, and
        // stays loaded if the copy has joined a ring: only then is the reference used later.
        let copy: &'static Copy = unsafe { &*copy };
        if !copy.next.load(Acquire).is_null() {
            self.peer = Some(copy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a note, of a form that fits both alignments if the lengths do.
    fn note(name: &[u8], kind: u32, content: &[u8], align: usize) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("short").to_ne_bytes();
        let mut note = [length(name), length(content), kind.to_ne_bytes()].concat();
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(align), 0);
        }
        note
    }

    fn search(notes: &[u8], align: usize) -> Search {
        let mut search = Search::default();
        search.read(notes, align, c"object".as_ptr());
        search
    }

    /// Without its own note, a copy would be invisible to the others, and could not keep its object loaded.
    #[test]
    fn a_copy_finds_itself() {
        let search = Search::through_all_objects();
        assert!(search.object.is_some() && search.peer.is_none() && !search.is_any_strange);
        assert!(register(|| false).is_ok(), "the library has registered itself before");
        assert!(holder().is_none() && !is_any_held());
    }

    /// Two copies that do not know of each other cut each other's locks out of the list: a copy that this one does not
    /// understand must be an error.
    #[test]
    fn a_copy_with_a_note_of_another_kind_is_noticed() {
        for align in [4, 8] {
            let others = [note(b"GNU\0", 3, &[7; 20], align), note(b"X", 1, &[], align)].concat();
            assert!(!search(&others, align).is_any_strange);
            for strange in [note(NAME, KIND + 1, &[0; 8], align), note(NAME, KIND, &[0; 4], align)] {
                assert!(search(&[&others[..], &strange].concat(), align).is_any_strange);
            }
        }
    }

    /// A plugin may contain two versions of the library.
    #[test]
    fn all_copies_of_an_object_are_found() {
        for align in [4, 8] {
            let registered: &'static Copy = Box::leak(Box::new(Copy::new()));
            registered.next.store(ptr::from_ref(registered).cast_mut(), Relaxed);
            let copies = [&raw const THIS, ptr::from_ref(registered)];
            let mut notes = [note(b"GNU\0", 3, &[7; 20], align), note(NAME, KIND, &[0; 8], align)].concat();
            notes.extend(note(NAME, KIND, &[0; 8], align));
            let (start, length) = (notes.as_ptr().expose_provenance(), notes.len());
            for (index, copy) in copies.into_iter().enumerate() {
                let place = length - 8 - 32 * (1 - index);
                let distance = copy.expose_provenance().wrapping_sub(start + place);
                notes[place..][..8].copy_from_slice(&distance.to_ne_bytes());
            }
            let found = search(&notes, align);
            assert!(found.object.is_some() && !found.is_any_strange);
            assert!(found.peer.is_some_and(|peer| ptr::eq(peer, registered)));
        }
    }

    /// Notes that are cut off must not lead out of their memory.
    #[test]
    fn truncated_notes_end_the_search() {
        let notes = [note(b"GNU\0", 3, &[7; 20], 4), note(NAME, KIND + 1, &[0; 8], 4)].concat();
        for length in 0..notes.len() {
            let found = search(&notes[..length], 4);
            assert!(found.object.is_none() && found.peer.is_none());
        }
        let endless = [u32::MAX.to_ne_bytes(), u32::MAX.to_ne_bytes(), [0; 4]].concat();
        assert!(search(&endless, 4).object.is_none());
    }
}
