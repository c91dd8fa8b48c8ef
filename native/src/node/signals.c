#include "node/signals.h"

#include <string.h>

#include "descriptors/descriptors.h"
#include "frontend/frontend.h"
#include "support/aligned.h"
#include "support/message.h"
#include "support/ring.h"

enum { HEADER_WORDS = sizeof(tagnode_frame) / sizeof(uint32_t) };

typedef struct {
    uint32_t words[HEADER_WORDS + TAGNODE_SIGNALS];
} item;

struct tagnode_signals {
    const tagnode_frontend *frontend;
    tagnode_descriptors *descriptors;
    tagnode_log_ring ring;
    int64_t hop, delay; /* mel frames between two signal frames; input samples */
    int64_t position;
    int64_t mark;      /* mel frame at whose end level and loudness are stored next */
    int64_t mel_frame; /* index of the next one */
};

/* Returns the input position at which a mel frame ends. */
static int64_t end_of(const tagnode_signals *s, int64_t mel_frame) TAGNODE_NONBLOCKING {
    return tagnode_frontend_ready(s->frontend, mel_frame) - s->delay;
}

tagnode_status tagnode_signals_create(const tagnode_setup *setup,
                                      const tagnode_frontend_settings *settings,
                                      const tagnode_frontend *frontend, uint32_t burst,
                                      tagnode_signals **signals, tagnode_message *why) {
    *signals = NULL;
    tagnode_signals *s = tagnode_aligned_calloc(sizeof *s);
    if (s == NULL) return tagnode_no_memory(why, "signals");
    s->frontend = frontend;
    s->delay = tagnode_frontend_delay(frontend);
    const double frames = setup->signal_hop * settings->sample_rate / settings->hop;
    s->hop = frames < 1 ? 1 : (int64_t)(frames + 0.5);
    const double samples =
        (double)s->hop * settings->hop * setup->sample_rate / settings->sample_rate;
    const size_t marks = (size_t)((double)(s->delay + burst) / samples) + 2;
    const size_t kept = setup->queue + (size_t)(setup->max_frames / samples) + 2;
    if (tagnode_descriptors_create(setup, settings, marks, &s->descriptors) != TAGNODE_OK ||
        tagnode_log_ring_create(&s->ring, HEADER_WORDS + TAGNODE_SIGNALS, kept) != TAGNODE_OK) {
        tagnode_signals_destroy(s);
        return tagnode_no_memory(why, "signals");
    }
    *signals = s;
    return TAGNODE_OK;
}

void tagnode_signals_destroy(tagnode_signals *signals) {
    if (signals == NULL) return;
    tagnode_descriptors_destroy(signals->descriptors);
    tagnode_log_ring_destroy(&signals->ring);
    tagnode_aligned_free(signals);
}

void tagnode_signals_reset(tagnode_signals *s) {
    tagnode_descriptors_reset(s->descriptors);
    tagnode_log_ring_clear(&s->ring);
    s->position = s->mark = s->mel_frame = 0;
}

void tagnode_signals_process(tagnode_signals *s, const float *const *input, size_t frames) {
    for (size_t at = 0; at < frames;) {
        const int64_t until = end_of(s, s->mark) - s->position;
        const size_t left = frames - at, part = until < (int64_t)left ? (size_t)until : left;
        tagnode_descriptors_process(s->descriptors, input, at, part);
        at += part;
        s->position += (int64_t)part;
        for (; end_of(s, s->mark) == s->position; s->mark += s->hop)
            tagnode_descriptors_mark(s->descriptors);
    }
}

void tagnode_signals_push(tagnode_signals *s, const float *power) {
    const int64_t index = s->mel_frame++;
    tagnode_descriptors_push(s->descriptors, power);
    if (index % s->hop != 0) return;
    const int64_t start = tagnode_frontend_begin(s->frontend, index), end = end_of(s, index);
    tagnode_frame head;
    memset(&head, 0, sizeof head);
    head.start = start > 0 ? start : 0;
    head.end = end;
    head.emitted = end + s->delay;
    head.state = TAGNODE_FRESH;
    float values[TAGNODE_SIGNALS];
    tagnode_descriptors_take(s->descriptors, values);
    item made;
    memcpy(made.words, &head, sizeof head);
    memcpy(made.words + HEADER_WORDS, values, sizeof values);
    tagnode_log_ring_write(&s->ring, made.words);
}

size_t tagnode_signals_read(tagnode_signals *s, tagnode_frame *frames, float *values,
                            size_t capacity) {
    item read;
    size_t taken = 0;
    for (; taken < capacity && tagnode_log_ring_read(&s->ring, read.words); ++taken) {
        memcpy(&frames[taken], read.words, sizeof *frames);
        memcpy(values + taken * TAGNODE_SIGNALS, read.words + HEADER_WORDS,
               TAGNODE_SIGNALS * sizeof *values);
    }
    return taken;
}
