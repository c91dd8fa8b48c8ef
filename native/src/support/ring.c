#include "support/ring.h"

#include <stdlib.h>
#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

tagnode_status tagnode_queue_create(tagnode_queue *queue, size_t item_size, size_t capacity) {
    memset(queue, 0, sizeof *queue);
    queue->item_size = item_size;
    queue->capacity = capacity;
    queue->items = calloc(capacity, queue->item_size);
    return queue->items == NULL ? TAGNODE_ERROR_MEMORY : TAGNODE_OK;
}

void tagnode_queue_destroy(tagnode_queue *queue) {
    free(queue->items);
    memset(queue, 0, sizeof *queue);
}

void *tagnode_queue_reserve(tagnode_queue *queue) {
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
    return head - tail < queue->capacity ? queue->items + head % queue->capacity * queue->item_size
                                         : NULL;
}

void tagnode_queue_commit(tagnode_queue *queue) {
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    atomic_store_explicit(&queue->head, head + 1, memory_order_release);
}

const void *tagnode_queue_peek(tagnode_queue *queue) {
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    return head != tail ? queue->items + tail % queue->capacity * queue->item_size : NULL;
}

void tagnode_queue_drop(tagnode_queue *queue) {
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    atomic_store_explicit(&queue->tail, tail + 1, memory_order_release);
}

/* Copies items from or to position `at` of the ring, wrapping around at its end. */
static void copy_in(tagnode_queue *queue, uint64_t at, const unsigned char *items, size_t count)
    TAGNODE_NONBLOCKING {
    const size_t first = (size_t)(at % queue->capacity), size = queue->item_size;
    const size_t until_end = queue->capacity - first, straight = MIN(count, until_end);
    memcpy(queue->items + first * size, items, straight * size);
    memcpy(queue->items, items + straight * size, (count - straight) * size);
}

static void copy_out(const tagnode_queue *queue, uint64_t at, unsigned char *items, size_t count)
    TAGNODE_NONBLOCKING {
    const size_t first = (size_t)(at % queue->capacity), size = queue->item_size;
    const size_t until_end = queue->capacity - first, straight = MIN(count, until_end);
    memcpy(items, queue->items + first * size, straight * size);
    memcpy(items + straight * size, queue->items, (count - straight) * size);
}

size_t tagnode_queue_write(tagnode_queue *queue, const void *items, size_t count) {
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
    const size_t taken = MIN(count, queue->capacity - (size_t)(head - tail));
    if (taken == 0) return 0;
    copy_in(queue, head, items, taken);
    atomic_store_explicit(&queue->head, head + taken, memory_order_release);
    return taken;
}

size_t tagnode_queue_read(tagnode_queue *queue, void *items, size_t count) {
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    const size_t taken = MIN(count, (size_t)(head - tail));
    if (taken == 0) return 0;
    copy_out(queue, tail, items, taken);
    atomic_store_explicit(&queue->tail, tail + taken, memory_order_release);
    return taken;
}

size_t tagnode_queue_count(const tagnode_queue *queue) {
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    return (size_t)(head - tail);
}

void tagnode_queue_clear(tagnode_queue *queue) {
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    atomic_store_explicit(&queue->tail, head, memory_order_release);
}

tagnode_status tagnode_log_ring_create(tagnode_log_ring *ring, size_t item_words, size_t capacity) {
    memset(ring, 0, sizeof *ring);
    ring->item_words = item_words;
    ring->capacity = capacity;
    ring->words = calloc(capacity, item_words * sizeof *ring->words);
    ring->sequence = calloc(capacity, sizeof *ring->sequence);
    if (ring->words != NULL && ring->sequence != NULL) return TAGNODE_OK;
    tagnode_log_ring_destroy(ring);
    return TAGNODE_ERROR_MEMORY;
}

void tagnode_log_ring_destroy(tagnode_log_ring *ring) {
    free(ring->words);
    free(ring->sequence);
    memset(ring, 0, sizeof *ring);
}

void tagnode_log_ring_write(tagnode_log_ring *ring, const uint32_t *item) {
    const uint64_t n = atomic_load_explicit(&ring->head, memory_order_relaxed);
    _Atomic uint32_t *slot = ring->words + n % ring->capacity * ring->item_words;
    _Atomic uint64_t *sequence = &ring->sequence[n % ring->capacity];
    atomic_store_explicit(sequence, 2 * n + 1, memory_order_relaxed);
    /* Release on every word, so that a thread that sees a new word sees the odd number too; free on
     * x86, cheap on Arm. */
    for (size_t i = 0; i < ring->item_words; ++i)
        atomic_store_explicit(&slot[i], item[i], memory_order_release);
    atomic_store_explicit(sequence, 2 * n + 2, memory_order_release);
    atomic_store_explicit(&ring->head, n + 1, memory_order_release);
}

void tagnode_log_ring_clear(tagnode_log_ring *ring) {
    atomic_store_explicit(&ring->floor, atomic_load_explicit(&ring->head, memory_order_relaxed),
                          memory_order_release);
    atomic_store_explicit(&ring->dropped, 0, memory_order_relaxed);
}

static bool copy_whole(const tagnode_log_ring *ring, uint64_t n, uint32_t *item)
    TAGNODE_NONBLOCKING {
    const _Atomic uint32_t *slot = ring->words + n % ring->capacity * ring->item_words;
    const _Atomic uint64_t *sequence = &ring->sequence[n % ring->capacity];
    if (atomic_load_explicit(sequence, memory_order_acquire) != 2 * n + 2) return false;
    for (size_t i = 0; i < ring->item_words; ++i)
        item[i] = atomic_load_explicit(&slot[i], memory_order_acquire);
    return atomic_load_explicit(sequence, memory_order_relaxed) == 2 * n + 2;
}

/* Items before the newest `capacity` are overwritten. */
static uint64_t overwritten(const tagnode_log_ring *ring, uint64_t from, uint64_t head)
    TAGNODE_NONBLOCKING {
    return head > from && head - from > ring->capacity ? head - from - ring->capacity : 0;
}

bool tagnode_log_ring_read(tagnode_log_ring *ring, uint32_t *item) {
    const uint64_t floor = atomic_load_explicit(&ring->floor, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail < floor) tail = floor;
    uint64_t dropped = 0;
    bool whole = false;
    for (;;) {
        const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
        const uint64_t gone = overwritten(ring, tail, head);
        dropped += gone;
        tail += gone;
        if (tail >= head) break;
        whole = copy_whole(ring, tail++, item);
        if (whole) break;
        ++dropped; /* overwritten during the copy */
    }
    atomic_store_explicit(&ring->tail, tail, memory_order_relaxed);
    if (dropped > 0) atomic_fetch_add_explicit(&ring->dropped, dropped, memory_order_relaxed);
    return whole;
}

uint64_t tagnode_log_ring_dropped(const tagnode_log_ring *ring) {
    const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    const uint64_t floor = atomic_load_explicit(&ring->floor, memory_order_acquire);
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    return atomic_load_explicit(&ring->dropped, memory_order_relaxed) +
           overwritten(ring, tail > floor ? tail : floor, head);
}
