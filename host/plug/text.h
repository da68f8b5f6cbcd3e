/* text.h -- makes texts that came from a verifier fit for people and for JSON. Internal to plug/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_TEXT_H
#define AS_PLUG_TEXT_H
#include "base/arena.h"

/* One printable line: control bytes and line ends become spaces, what is not UTF-8 becomes '?'; cut
 * to fit. */
void as_text_line(char *out, size_t size, as_str text);
/* The text with each byte that is not UTF-8 replaced by U+FFFD; the same text where all is valid.
 * data NULL: no memory. */
as_str as_text_utf8(as_str text, as_arena *arena);
#endif
