/* avx2.c - the kernels with AVX2. vpmaddubsw would saturate, so bytes are widened first: inputs a
 * stretch at a time, weights when packed. vpmaddwd adds two products exactly, in int32. */
#include <stdint.h>

#define NEAR_WEIGHTS ((size_t)20 << 10) /* leaves a third of an L1 cache for the inputs */
#define INPUT_OFFSET 0
#define STAGED int16_t
#define MOST_POSITIONS 4
enum { LAYOUT_GROUP = 2, MOST_BLOCKS = 8, MOST_SUMS = 32 };
typedef int16_t packed_weight;

#include "kernels/staged256.h"

ALWAYS_INLINE void stage(const int8_t *bytes, uint32_t count, int16_t *staged) {
    for (; count >= 16; count -= 16, bytes += 16, staged += 16)
        store(staged, _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)bytes)));
    for (; count > 0; count -= 4, bytes += 4, staged += 4) {
        int32_t four;
        memcpy(&four, bytes, sizeof four);
        _mm_storel_epi64((void *)staged, _mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
    }
}

ALWAYS_INLINE __m256i multiply_add(__m256i sum, __m256i input, __m256i weights) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(input, weights));
}

#include "kernels/positions.h"

KERNELS_TABLE(avx2, avx2);
