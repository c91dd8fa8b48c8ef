#include "face.h"

#include <math.h>
#include <string.h>

#include "core/midi.h"

_Static_assert(FACE_PIECE / TAGPLUG_MIDI_GRID * 2 * TAGPLUG_SLOTS <= TAGPLUG_MIDI_MOST,
               "the messages of a piece fit");

void face_begin(face_block *block, const float *const *input, uint32_t inputs, float *const *output,
                uint32_t outputs) TAGNODE_NONBLOCKING {
    if (input == NULL) inputs = 0;
    if (output == NULL) outputs = 0;
    block->lacking = false;
    block->sidechain[0] = block->sidechain[1] = NULL;
    for (uint32_t channel = 0; channel < FACE_CHANNELS; ++channel) {
        const uint32_t from = inputs == 1 ? 0 : channel;
        block->input[channel] = from < inputs ? input[from] : NULL;
        block->output[channel] = channel < outputs ? output[channel] : NULL;
        if (block->input[channel] == NULL || block->output[channel] == NULL) block->lacking = true;
    }
}

void face_sidechain(face_block *block, const float *const *channels, uint32_t count)
    TAGNODE_NONBLOCKING {
    const float *left = channels != NULL && count > 0 ? channels[0] : NULL;
    const float *right = channels != NULL && count > 1 ? channels[1] : NULL;
    block->sidechain[0] = left != NULL ? left : right;
    block->sidechain[1] = right != NULL ? right : left;
}

uint32_t face_process(face_block *block, tagplug *core, uint32_t from, uint32_t until)
    TAGNODE_NONBLOCKING {
    const uint32_t most = block->lacking ? FACE_SPARE : FACE_PIECE;
    const uint32_t frames = until - from < most ? until - from : most;
    const bool keyed = block->sidechain[0] != NULL;
    const float *input[FACE_CHANNELS], *sidechain[FACE_CHANNELS] = {NULL, NULL};
    float *output[FACE_CHANNELS];
    for (uint32_t i = 0; i < FACE_CHANNELS; ++i) {
        input[i] = block->input[i] != NULL ? block->input[i] + from : block->silence;
        output[i] = block->output[i] != NULL ? block->output[i] + from : block->waste;
        if (keyed) sidechain[i] = block->sidechain[i] + from;
    }
    block->midi_count = 0;
    tagplug_process_keyed(core, input, keyed ? sidechain : NULL, output, frames, block->midi,
                          &block->midi_count, from);
    return from + frames;
}

uint64_t face_constant(const float *const *channels, uint32_t count, uint32_t frames, bool zero)
    TAGNODE_NONBLOCKING {
    uint64_t mask = 0;
    for (uint32_t c = 0; c < count && c < FACE_CHANNELS && frames > 0; ++c) {
        const float *samples = channels[c];
        if (samples == NULL || (zero && samples[0] != 0)) continue;
        uint32_t i = 0;
        while (i < frames && samples[i] == samples[0]) ++i;
        if (i == frames) mask |= (uint64_t)1 << c;
    }
    return mask;
}

static const float SMALL_STEP = 1e-5F;

void face_outputs_clear(face_outputs *outputs) {
    *outputs = (face_outputs){.pause = 1};
    for (uint32_t i = 0; i < TAGPLUG_OUTPUTS; ++i) outputs->sent[i] = outputs->held[i] = NAN;
}

void face_outputs_prepare(face_outputs *outputs, double rate) {
    const double pause = ceil(rate / FACE_OUTPUTS_A_SECOND);
    outputs->pause = pause > 1 && pause < INT32_MAX ? (uint32_t)pause : 1;
    memset(outputs->next, 0, sizeof outputs->next);
}

void face_outputs_advance(face_outputs *outputs, uint32_t frames) TAGNODE_NONBLOCKING {
    outputs->clock += frames;
    outputs->flushes = frames == 0;
}

bool face_outputs_due(face_outputs *outputs, uint32_t output, float value) TAGNODE_NONBLOCKING {
    const float sent = outputs->sent[output];
    if (value == sent || outputs->flushes) return value != sent;
    if (outputs->clock < outputs->next[output]) return false;
    const bool small = fabsf(value - sent) <= SMALL_STEP, rests = value == outputs->held[output];
    if (!small || rests) return true;
    outputs->held[output] = value;
    outputs->next[output] = outputs->clock + outputs->pause;
    return false;
}

void face_outputs_note(face_outputs *outputs, uint32_t output, float value) TAGNODE_NONBLOCKING {
    outputs->sent[output] = value;
    outputs->next[output] = outputs->clock + outputs->pause;
}

uint64_t face_texts(const tagplug *core) TAGNODE_NONBLOCKING {
    uint32_t sum = 2166136261U; /* one number for all slots, as in FNV-1a */
    for (uint32_t slot = 0; slot < TAGPLUG_SLOTS; ++slot) {
        const float source = tagplug_get(core, tagplug_field_of(slot, TAGPLUG_SOURCE));
        const float target = tagplug_get(core, tagplug_field_of(slot, TAGPLUG_TARGET));
        sum = (sum ^ ((uint32_t)source << 8 | (uint32_t)target)) * 16777619U;
    }
    return (uint64_t)tagplug_revision(core) << 32 | sum;
}

static const double REST = 6.9; /* time constants, ln(1000) */

/* Seconds until slots are at rest; `echoes` becomes true if one of them feeds the delay. */
static double envelopes(const tagplug *core, bool *echoes) {
    double longest = 0;
    for (uint32_t slot = 0; slot < TAGPLUG_SLOTS; ++slot) {
        const uint32_t first = tagplug_field_of(slot, TAGPLUG_SOURCE);
        if (tagplug_get(core, first + TAGPLUG_TARGET) == TAGPLUG_TARGET_DELAY) *echoes = true;
        if (tagplug_get(core, first + TAGPLUG_SOURCE) == 0) continue; /* it does not move */
        const double time = tagplug_get(core, TAGPLUG_WINDOW) + tagplug_get(core, TAGPLUG_LATENCY) +
                            tagplug_get(core, first + TAGPLUG_HOLD) +
                            tagplug_get(core, first + TAGPLUG_DELAY) +
                            REST * fmaxf(tagplug_get(core, first + TAGPLUG_ATTACK),
                                         tagplug_get(core, first + TAGPLUG_RELEASE));
        longest = fmax(longest, time);
    }
    return longest;
}

uint32_t face_tail(const tagplug *core, double rate) {
    bool echoes = false;
    double seconds = envelopes(core, &echoes);
    if (echoes) {
        const double feedback = tagplug_get(core, TAGPLUG_DELAY_FEEDBACK);
        const double rounds = feedback > 0 ? 1 + REST / -log(feedback) : 1;
        seconds += rounds * tagplug_get(core, TAGPLUG_DELAY_TIME);
    }
    return (uint32_t)fmin(ceil(seconds * rate), INT32_MAX - 1);
}
