/* head.c - fuzzes the reader of .head files, and runs the heads that it accepts on ordinary and on
 * extreme embeddings. */
#include <float.h>
#include <math.h>

#include "fuzz.h"

enum { EMBEDDINGS = 4 };

static float *embeddings_of(uint32_t inputs) {
    static const float extremes[] = {0, FLT_MAX, -FLT_MAX, FLT_MIN, 1, -1e30F, NAN, INFINITY};
    float *made = malloc((size_t)EMBEDDINGS * inputs * sizeof *made);
    uint32_t random = 7;
    if (made == NULL) abort();
    for (size_t i = 0; i < (size_t)EMBEDDINGS * inputs; ++i)
        made[i] = i < (size_t)2 * inputs ? (float)next_random(&random) / 2e9F - 1
                                         : extremes[next_random(&random) % 8];
    return made;
}

/* Results are finite, and each is that of its embedding alone. */
static void check_head(const tagnode_head *head) {
    const uint32_t inputs = tagnode_head_inputs(head), outputs = tagnode_head_outputs(head);
    PROMISE(inputs >= 1 && inputs <= 65536 && outputs >= 1 && outputs <= 65536);
    float *embeddings = embeddings_of(inputs);
    float *all = malloc((size_t)EMBEDDINGS * outputs * sizeof *all);
    float *one = malloc(outputs * sizeof *one);
    if (all == NULL || one == NULL) abort();
    PROMISE(tagnode_head_run(head, embeddings, EMBEDDINGS, all, NULL) == TAGNODE_OK);
    for (size_t i = 0; i < (size_t)EMBEDDINGS * outputs; ++i) PROMISE(isfinite(all[i]));
    for (size_t i = 0; i < EMBEDDINGS; ++i) {
        PROMISE(tagnode_head_run(head, embeddings + i * inputs, 1, one, NULL) == TAGNODE_OK);
        PROMISE(memcmp(one, all + i * outputs, outputs * sizeof *one) == 0);
    }
    free(embeddings);
    free(all);
    free(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const exact copy = copy_exactly(data, size);
    tagnode_head *head = NULL;
    tagnode_message why = {""};
    const tagnode_status status = tagnode_head_load(copy.bytes, size, &head, &why);
    free(copy.memory); /* it is not kept */
    PROMISE((status == TAGNODE_OK) == (head != NULL));
    if (head == NULL) {
        PROMISE(status == TAGNODE_ERROR_MODEL);
        check_sentence(&why);
        return 0;
    }
    check_head(head);
    tagnode_head_release(head);
    return 0;
}
