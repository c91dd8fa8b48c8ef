/* stream.c - between an audio system's callback and the program: the node processes the input, and
 * two queues carry the samples to another thread and back. */
#include <stdatomic.h>
#include <string.h>

#include "node/node.h"
#include "support/aligned.h"
#include "support/message.h"
#include "support/ring.h"

enum {
    PIECE = 512, /* samples passed to the node at once; any partition gives the same frames */
    INPUT_FLAGS = 1 | 2,
    OUTPUT_FLAGS = 4 | 8
};

struct tagnode_stream {
    tagnode_stream_setup setup;
    uint32_t piece;
    tagnode_queue incoming, outgoing; /* items: one sample of each channel */
    _Atomic uint64_t callbacks, position, overflows, underflows, lost, missing;
    float planes[TAGNODE_MAX_CHANNELS][PIECE];
};

/* ---- main thread ---- */

static tagnode_status check_node(const tagnode *node, uint32_t inputs, tagnode_message *why) {
    const tagnode_setup *setup = tagnode_get_setup(node);
    if (setup == NULL)
        return tagnode_refuse(
            why, "The node of a stream is not prepared; call tagnode_prepare() first.");
    if (setup->channels != inputs)
        return tagnode_refuse(why,
                              "The node is prepared for %u channels and the stream has %u inputs; "
                              "the two must be equal.",
                              setup->channels, inputs);
    if (setup->offline)
        return tagnode_refuse(
            why, "The node is prepared for offline use and might wait in the callback; "
                 "prepare it with offline = false.");
    return TAGNODE_OK;
}

static tagnode_status check(const tagnode_stream_setup *setup, tagnode_message *why) {
    if (setup->inputs > TAGNODE_MAX_CHANNELS || setup->outputs > TAGNODE_MAX_CHANNELS)
        return tagnode_refuse(why, "The stream has %u inputs and %u outputs; each must be 0 to %d.",
                              setup->inputs, setup->outputs, TAGNODE_MAX_CHANNELS);
    if (setup->queue > TAGNODE_MAX_BLOCK)
        return tagnode_refuse(why, "The queues hold %u samples; it must be 0 to %d.", setup->queue,
                              TAGNODE_MAX_BLOCK);
    if (setup->lead > setup->queue)
        return tagnode_refuse(why, "The lead is %u samples; it must be 0 to the queue's %u.",
                              setup->lead, setup->queue);
    return setup->node == NULL ? TAGNODE_OK : check_node(setup->node, setup->inputs, why);
}

static tagnode_status open_queue(tagnode_queue *queue, uint32_t channels, uint32_t capacity) {
    if (channels == 0 || capacity == 0) return TAGNODE_OK; /* no queue */
    return tagnode_queue_create(queue, channels * sizeof(float), capacity);
}

static void lead_in(tagnode_stream *stream) {
    const float silence[TAGNODE_MAX_CHANNELS] = {0};
    for (uint32_t i = 0; i < stream->setup.lead; ++i)
        (void)tagnode_queue_write(&stream->outgoing, silence, 1);
}

tagnode_status tagnode_stream_create(const tagnode_stream_setup *setup, tagnode_stream **stream,
                                     tagnode_message *why) {
    *stream = NULL;
    const tagnode_status status = check(setup, why);
    if (status != TAGNODE_OK) return status;
    tagnode_stream *made = tagnode_aligned_calloc(sizeof *made);
    if (made != NULL) made->setup = *setup;
    if (made == NULL || open_queue(&made->incoming, setup->inputs, setup->queue) != TAGNODE_OK ||
        open_queue(&made->outgoing, setup->outputs, setup->queue) != TAGNODE_OK) {
        tagnode_stream_destroy(made);
        return tagnode_no_memory(why, "a stream");
    }
    const uint32_t most = setup->node == NULL ? PIECE : tagnode_get_setup(setup->node)->max_frames;
    made->piece = most < PIECE ? most : PIECE;
    lead_in(made);
    *stream = made;
    return TAGNODE_OK;
}

void tagnode_stream_destroy(tagnode_stream *stream) {
    if (stream == NULL) return;
    tagnode_queue_destroy(&stream->incoming);
    tagnode_queue_destroy(&stream->outgoing);
    tagnode_aligned_free(stream);
}

/* ---- audio thread ---- */

static void count(_Atomic uint64_t *counter, uint64_t more) TAGNODE_NONBLOCKING {
    if (more > 0) atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* Passes a block to the node, channel by channel and piece by piece. */
static void analyse(tagnode_stream *stream, const float *input, size_t frames) TAGNODE_NONBLOCKING {
    const size_t channels = stream->setup.inputs;
    const float *planes[TAGNODE_MAX_CHANNELS];
    for (size_t channel = 0; channel < channels; ++channel)
        planes[channel] = stream->planes[channel];
    while (frames > 0) {
        const size_t piece = frames < stream->piece ? frames : stream->piece;
        for (size_t channel = 0; channel < channels; ++channel)
            for (size_t i = 0; i < piece; ++i)
                stream->planes[channel][i] = input[i * channels + channel];
        tagnode_process(stream->setup.node, planes, (uint32_t)piece);
        input += piece * channels;
        frames -= piece;
    }
}

static void take_in(tagnode_stream *stream, const float *input, size_t frames) TAGNODE_NONBLOCKING {
    count(&stream->position, frames);
    if (stream->setup.queue > 0)
        count(&stream->lost, frames - tagnode_queue_write(&stream->incoming, input, frames));
    if (stream->setup.node != NULL) analyse(stream, input, frames);
}

static void give_out(tagnode_stream *stream, float *output, size_t frames) TAGNODE_NONBLOCKING {
    const size_t channels = stream->setup.outputs;
    const size_t there = tagnode_queue_read(&stream->outgoing, output, frames);
    memset(output + there * channels, 0, (frames - there) * channels * sizeof *output);
    if (stream->setup.queue > 0) count(&stream->missing, frames - there);
}

int tagnode_stream_callback(const void *input, void *output, unsigned long frames, const void *time,
                            unsigned long flags, void *stream) {
    tagnode_stream *self = stream;
    (void)time;
    if (input != NULL && self->setup.inputs > 0) take_in(self, input, frames);
    if (output != NULL && self->setup.outputs > 0) give_out(self, output, frames);
    count(&self->overflows, (flags & INPUT_FLAGS) != 0);
    count(&self->underflows, (flags & OUTPUT_FLAGS) != 0);
    count(&self->callbacks, 1);
    return 0;
}

/* ---- the other thread ---- */

size_t tagnode_stream_read(tagnode_stream *stream, float *samples, size_t frames) {
    return tagnode_queue_read(&stream->incoming, samples, frames);
}

size_t tagnode_stream_write(tagnode_stream *stream, const float *samples, size_t frames) {
    return tagnode_queue_write(&stream->outgoing, samples, frames);
}

size_t tagnode_stream_readable(const tagnode_stream *stream) {
    return tagnode_queue_count(&stream->incoming);
}

size_t tagnode_stream_pending(const tagnode_stream *stream) {
    return tagnode_queue_count(&stream->outgoing);
}

tagnode_stream_counters tagnode_stream_get_counters(const tagnode_stream *stream) {
    return (tagnode_stream_counters){
        .callbacks = atomic_load_explicit(&stream->callbacks, memory_order_relaxed),
        .position = (int64_t)atomic_load_explicit(&stream->position, memory_order_relaxed),
        .overflows = atomic_load_explicit(&stream->overflows, memory_order_relaxed),
        .underflows = atomic_load_explicit(&stream->underflows, memory_order_relaxed),
        .lost = atomic_load_explicit(&stream->lost, memory_order_relaxed),
        .missing = atomic_load_explicit(&stream->missing, memory_order_relaxed),
    };
}
