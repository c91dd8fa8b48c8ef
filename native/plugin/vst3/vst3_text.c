#include "vst3_text.h"

enum { UNKNOWN = 0xFFFD };

/* Takes the next character of UTF-8 (RFC 3629). */
static uint32_t take_utf8(const unsigned char **at) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char first = *(*at)++;
    if (first < 0x80) return first;
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    if (more == 0 || first > 0xF4) return UNKNOWN;
    uint32_t character = first & (0x3FU >> more);
    for (int i = 0; i < more; ++i) {
        if ((**at & 0xC0) != 0x80) return UNKNOWN;
        character = character << 6 | (*(*at)++ & 0x3FU);
    }
    const int surrogate = character >= 0xD800 && character < 0xE000;
    return character < least[more] || surrogate || character > 0x10FFFF ? UNKNOWN : character;
}

void vst_to_utf16(const char *from, int16_t *to, size_t size) {
    const unsigned char *at = (const unsigned char *)from;
    size_t used = 0;
    while (*at != 0) {
        const uint32_t character = take_utf8(&at);
        const size_t units = character >= 0x10000 ? 2 : 1;
        if (used + units >= size) break;
        if (units == 2) {
            to[used++] = (int16_t)(0xD800 + ((character - 0x10000) >> 10));
            to[used++] = (int16_t)(0xDC00 + (character & 0x3FF));
        } else {
            to[used++] = (int16_t)character;
        }
    }
    to[used] = 0;
}

static uint32_t take_utf16(const int16_t **at) {
    const uint16_t first = (uint16_t)*(*at)++;
    if (first < 0xD800 || first >= 0xE000) return first;
    const uint16_t second = (uint16_t)**at;
    if (first >= 0xDC00 || second < 0xDC00 || second >= 0xE000) return UNKNOWN;
    ++*at;
    return 0x10000 + ((uint32_t)(first - 0xD800) << 10) + (second - 0xDC00U);
}

void vst_to_utf8(const int16_t *from, char *to, size_t size) {
    size_t used = 0;
    while (*from != 0) {
        const uint32_t character = take_utf16(&from);
        const size_t more = (character >= 0x80) + (character >= 0x800) + (character >= 0x10000);
        if (used + more + 1 >= size) break;
        static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
        to[used++] = (char)(lead[more] | character >> 6 * more);
        for (size_t i = more; i-- > 0;) to[used++] = (char)(0x80 | (character >> 6 * i & 0x3F));
    }
    to[used] = '\0';
}
