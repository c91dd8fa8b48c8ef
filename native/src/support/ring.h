/* ring.h - two rings for one writer and one reader. Neither side ever waits.
 *
 * tagnode_queue keeps its contents: a full queue refuses the writer. For mel frames and results
 * between the audio thread and the worker, one by one; for samples between the audio thread and a
 * program, many at once.
 *
 * tagnode_log_ring keeps the newest items: the writer overwrites, and the reader detects what it
 * lost. For descriptor frames, so that a slow reader never stops the audio thread. Its items are
 * words, read and written atomically under a sequence number (Boehm, "Can seqlocks get along with
 * programming language memory models?", 2012). */
#pragma once

#include <stdatomic.h>

#include "tagnode.h"

typedef struct {
    unsigned char *items;
    size_t item_size, capacity;
    _Alignas(64) _Atomic uint64_t head; /* items written */
    _Alignas(64) _Atomic uint64_t tail; /* items read */
} tagnode_queue;

/* Returns OK or ERROR_MEMORY. Items are `item_size` bytes apart, the first one aligned as by
 * malloc. */
tagnode_status tagnode_queue_create(tagnode_queue *queue, size_t item_size, size_t capacity);
void tagnode_queue_destroy(tagnode_queue *queue);

/* Returns the memory for the next item, or NULL if the queue is full; commit adds it. [writer] */
void *tagnode_queue_reserve(tagnode_queue *queue) TAGNODE_NONBLOCKING;
void tagnode_queue_commit(tagnode_queue *queue) TAGNODE_NONBLOCKING;

/* Returns the oldest item, or NULL if the queue is empty; drop removes it. [reader] */
const void *tagnode_queue_peek(tagnode_queue *queue) TAGNODE_NONBLOCKING;
void tagnode_queue_drop(tagnode_queue *queue) TAGNODE_NONBLOCKING;
void tagnode_queue_clear(tagnode_queue *queue) TAGNODE_NONBLOCKING; /* drops all */

/* Copies up to `count` items in, or out; returns the number copied. [writer], [reader] */
size_t tagnode_queue_write(tagnode_queue *queue, const void *items, size_t count)
    TAGNODE_NONBLOCKING;
size_t tagnode_queue_read(tagnode_queue *queue, void *items, size_t count) TAGNODE_NONBLOCKING;

/* Returns the number of items: at least that many for the reader, at most for the writer. [writer],
 * [reader] */
size_t tagnode_queue_count(const tagnode_queue *queue) TAGNODE_NONBLOCKING;

typedef struct {
    _Atomic uint32_t *words;
    _Atomic uint64_t *sequence; /* of a slot: 2 n + 1 while item n is written, then 2 n + 2 */
    size_t item_words, capacity;
    _Alignas(64) _Atomic uint64_t head; /* items written */
    _Atomic uint64_t floor;             /* items before this one are discarded */
    _Alignas(64) _Atomic uint64_t tail; /* items read or dropped */
    _Atomic uint64_t dropped;           /* as noticed by the reader */
} tagnode_log_ring;

tagnode_status tagnode_log_ring_create(tagnode_log_ring *ring, size_t item_words, size_t capacity);
void tagnode_log_ring_destroy(tagnode_log_ring *ring);
/* Never waits; overwrites the oldest item. [writer] */
void tagnode_log_ring_write(tagnode_log_ring *ring, const uint32_t *item) TAGNODE_NONBLOCKING;

/* Discards all items and the count of dropped ones. [writer] */
void tagnode_log_ring_clear(tagnode_log_ring *ring) TAGNODE_NONBLOCKING;

/* Copies the oldest item out; false if there is none. [reader] */
bool tagnode_log_ring_read(tagnode_log_ring *ring, uint32_t *item) TAGNODE_NONBLOCKING;

/* Returns the number of items overwritten before they were read. [any] */
uint64_t tagnode_log_ring_dropped(const tagnode_log_ring *ring) TAGNODE_NONBLOCKING;
