/* meter.c - measures a sine and lets its level control a gain, with the installed library. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tagnode.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION TAGNODE_VERSION
#endif

enum { BLOCK = 480 };

static int fail(const char *sentence) {
    fprintf(stderr, "%s\n", sentence);
    return EXIT_FAILURE;
}

/* From the level in dBFS to a gain of 1 to 0, without smoothing. */
static tagnode_mapping duck(void) {
    tagnode_mapping mapping = tagnode_mapping_default();
    mapping.low = -60;
    mapping.high = 0;
    mapping.attack = mapping.release = 0;
    mapping.min = 1;
    mapping.max = 0;
    return mapping;
}

int main(void) {
    if (strcmp(tagnode_version(), PACKAGE_VERSION) != 0)
        return fail("The library's version is not the package's.");
    const tagnode_setup setup = tagnode_setup_default();
    const tagnode_mapping mapping = duck();
    tagnode *node = NULL;
    tagnode_automation *gain = NULL;
    tagnode_message why = {"No memory."};
    if (tagnode_create(&node) != TAGNODE_OK ||
        tagnode_prepare(node, NULL, &setup, &why) != TAGNODE_OK ||
        tagnode_automation_create(&mapping, 1, TAGNODE_COMBINE_SUM, setup.sample_rate, 64, &gain,
                                  &why) != TAGNODE_OK)
        return fail(why.text);
    float block[BLOCK], *values = calloc(tagnode_signal_count(), sizeof *values);
    if (values == NULL) return fail("No memory.");
    const float *channels[] = {block, block};
    tagnode_frame frame = {0};
    for (int n = 0; n < 48000; n += BLOCK) {
        for (int i = 0; i < BLOCK; ++i) block[i] = sinf(0.0625F * (float)(n + i));
        tagnode_process(node, channels, BLOCK);
        while (tagnode_read_signals(node, &frame, values, 1) == 1)
            tagnode_automation_push(gain, 0, frame.emitted, values[TAGNODE_SIGNAL_RMS_DB]);
    }
    printf("tagnode %s: %.1f dBFS, gain %.2f\n", tagnode_version(),
           (double)values[TAGNODE_SIGNAL_RMS_DB], (double)tagnode_automation_at(gain, 48000));
    free(values);
    tagnode_automation_destroy(gain);
    tagnode_destroy(node);
    return EXIT_SUCCESS;
}
