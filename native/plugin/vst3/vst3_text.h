/* vst3_text.h - between our UTF-8 and a host's UTF-16. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Both write at most `size` units, the final 0 among them, and cut between characters. Invalid
 * sequences become U+FFFD. */
void vst_to_utf16(const char *from, int16_t *to, size_t size);
void vst_to_utf8(const int16_t *from, char *to, size_t size);
