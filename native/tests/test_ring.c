/* test_ring.c - both rings, alone and with a writer and a reader that never wait for each other. */
#include "support/ring.h"

#include <pthread.h>
#include <sched.h>

#include "check.h"

enum { WORDS = 24, CAPACITY = 8, ITEMS = 200000 };

/* ---- tagnode_queue ---- */

static void test_full_queue_refuses_items_and_order_is_kept(void) {
    tagnode_queue queue;
    CHECK(tagnode_queue_create(&queue, sizeof(uint32_t), 3) == TAGNODE_OK);
    CHECK(tagnode_queue_peek(&queue) == NULL);
    for (uint32_t round = 0; round < 10; ++round) {
        for (uint32_t i = 0; i < 3; ++i) {
            *(uint32_t *)tagnode_queue_reserve(&queue) = 3 * round + i;
            tagnode_queue_commit(&queue);
        }
        CHECK(tagnode_queue_reserve(&queue) == NULL);
        for (uint32_t i = 0; i < 3; ++i) {
            CHECK(*(const uint32_t *)tagnode_queue_peek(&queue) == 3 * round + i);
            tagnode_queue_drop(&queue);
        }
        CHECK(tagnode_queue_peek(&queue) == NULL);
    }
    *(uint32_t *)tagnode_queue_reserve(&queue) = 1;
    CHECK(tagnode_queue_peek(&queue) == NULL); /* not committed */
    tagnode_queue_commit(&queue);
    tagnode_queue_clear(&queue);
    CHECK(tagnode_queue_peek(&queue) == NULL);
    tagnode_queue_destroy(&queue);
}

static void *write_queue(void *argument) {
    tagnode_queue *queue = argument;
    for (uint32_t n = 0; n < ITEMS; ++n) {
        uint32_t *item;
        while ((item = tagnode_queue_reserve(queue)) == NULL) sched_yield();
        for (uint32_t w = 0; w < WORDS; ++w) item[w] = n ^ w;
        tagnode_queue_commit(queue);
    }
    return NULL;
}

/* Returns the number of an item whose words all match, otherwise UINT32_MAX. */
static uint32_t number_of(const uint32_t *item) {
    for (uint32_t w = 1; w < WORDS; ++w)
        if ((item[w] ^ w) != item[0]) return UINT32_MAX;
    return item[0];
}

static void test_queue_loses_and_tears_nothing_between_two_threads(void) {
    tagnode_queue queue;
    pthread_t writer;
    CHECK(tagnode_queue_create(&queue, WORDS * sizeof(uint32_t), CAPACITY) == TAGNODE_OK);
    CHECK(pthread_create(&writer, NULL, write_queue, &queue) == 0);
    uint32_t wrong = 0;
    for (uint32_t n = 0; n < ITEMS; ++n) {
        const uint32_t *item;
        while ((item = tagnode_queue_peek(&queue)) == NULL) sched_yield();
        wrong += number_of(item) != n;
        tagnode_queue_drop(&queue);
    }
    pthread_join(writer, NULL);
    CHECK(wrong == 0);
    CHECK(tagnode_queue_peek(&queue) == NULL);
    tagnode_queue_destroy(&queue);
}

/* ---- tagnode_log_ring ---- */

static void write_number(tagnode_log_ring *ring, uint32_t n) {
    uint32_t item[WORDS];
    for (uint32_t w = 0; w < WORDS; ++w) item[w] = n ^ w;
    tagnode_log_ring_write(ring, item);
}

static void test_log_ring_drops_the_oldest_and_counts_them(void) {
    tagnode_log_ring ring;
    uint32_t item[WORDS];
    CHECK(tagnode_log_ring_create(&ring, WORDS, CAPACITY) == TAGNODE_OK);
    CHECK(!tagnode_log_ring_read(&ring, item));
    for (uint32_t n = 0; n < 30; ++n) write_number(&ring, n);
    CHECK(tagnode_log_ring_dropped(&ring) == 30 - CAPACITY); /* before the first read, too */
    for (uint32_t n = 30 - CAPACITY; n < 30; ++n) {
        CHECK(tagnode_log_ring_read(&ring, item));
        CHECK(number_of(item) == n);
    }
    CHECK(!tagnode_log_ring_read(&ring, item));
    CHECK(tagnode_log_ring_dropped(&ring) == 30 - CAPACITY);
    for (uint32_t n = 0; n < 5; ++n) write_number(&ring, n);
    tagnode_log_ring_clear(&ring);
    CHECK(!tagnode_log_ring_read(&ring, item));
    CHECK(tagnode_log_ring_dropped(&ring) == 0);
    write_number(&ring, 77);
    CHECK(tagnode_log_ring_read(&ring, item) && number_of(item) == 77);
    tagnode_log_ring_destroy(&ring);
}

typedef struct {
    tagnode_log_ring ring;
    _Atomic bool done;
} log_test;

static void *write_log(void *argument) {
    log_test *test = argument;
    for (uint32_t n = 0; n < ITEMS; ++n) {
        write_number(&test->ring, n);
        if (n % 64 == 0) sched_yield(); /* so that the reader sees every state */
    }
    atomic_store(&test->done, true);
    return NULL;
}

static void test_log_ring_tears_nothing_and_counts_all_between_two_threads(void) {
    static log_test test;
    pthread_t writer;
    CHECK(tagnode_log_ring_create(&test.ring, WORDS, CAPACITY) == TAGNODE_OK);
    CHECK(pthread_create(&writer, NULL, write_log, &test) == 0);
    uint32_t item[WORDS];
    uint32_t torn = 0, backwards = 0;
    uint64_t taken = 0;
    int64_t last = -1;
    for (;;) {
        const bool done = atomic_load(&test.done);
        if (tagnode_log_ring_read(&test.ring, item)) {
            const uint32_t n = number_of(item);
            torn += n == UINT32_MAX;
            backwards += n <= last;
            last = n;
            ++taken;
        } else if (done) {
            break;
        }
    }
    pthread_join(writer, NULL);
    CHECK(torn == 0);
    CHECK(backwards == 0);
    CHECK(last == ITEMS - 1);
    CHECK(taken + tagnode_log_ring_dropped(&test.ring) == ITEMS);
    tagnode_log_ring_destroy(&test.ring);
}

int main(void) {
    test_full_queue_refuses_items_and_order_is_kept();
    test_queue_loses_and_tears_nothing_between_two_threads();
    test_log_ring_drops_the_oldest_and_counts_them();
    test_log_ring_tears_nothing_and_counts_all_between_two_threads();
    return closing_line();
}
