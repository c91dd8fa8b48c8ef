/* rig.h - a temporary folder with small models for the plugin, one for each test program, and
 * instances that use it. */
#pragma once

#include <time.h>

#include "../check.h"
#include "../head_file.h"
#include "../system.h"
#include "core/tagplug.h"

enum { LABELS = 3, PATCH = 24, HOP = 128, MODEL_RATE = 16000, MOST_FILE = 1 << 16 };

typedef struct {
    unsigned char bytes[MOST_FILE];
    size_t size;
} file;

static inline void put_bytes(file *f, const void *bytes, size_t size) {
    if (f->size + size > MOST_FILE) abort();
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

static inline void put_word(file *f, uint32_t word) {
    for (int i = 0; i < 4; ++i) put_bytes(f, &(unsigned char){(unsigned char)(word >> 8 * i)}, 1);
}

static inline void put_double(file *f, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    put_word(f, (uint32_t)bits);
    put_word(f, (uint32_t)(bits >> 32));
}

static inline void put_text(file *f, const char *text) {
    const size_t length = strlen(text);
    const unsigned char size[2] = {(unsigned char)length, (unsigned char)(length >> 8)};
    put_bytes(f, size, 2);
    put_bytes(f, text, length);
}

static inline void put_labels(file *f, const char *const labels[LABELS]) {
    put_word(f, LABELS);
    for (int i = 0; i < LABELS; ++i) put_text(f, labels[i]);
}

static inline void put_chunk(file *f, const char *name, const file *payload) {
    put_bytes(f, name, 4);
    put_word(f, (uint32_t)payload->size);
    put_bytes(f, payload->bytes, payload->size);
    const unsigned char zeros[16] = {0};
    put_bytes(f, zeros, (16 - payload->size % 16) % 16);
}

/* CRC-32 bit by bit, as in the standard. */
static inline uint32_t crc_of(const unsigned char *bytes, size_t size) {
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < size; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
    }
    return ~crc;
}

static inline void seal(file *f) {
    const uint32_t crc = crc_of(f->bytes + 12, f->size - 12);
    for (int i = 0; i < 4; ++i) f->bytes[8 + i] = (unsigned char)(crc >> 8 * i);
}

static inline void put_card(file *f, const char *name, const char *const labels[LABELS]) {
    put_text(f, name);
    const uint32_t words[] = {MODEL_RATE, 256, 256, HOP, 8, 0, 0, 0, 0, 0, 0, TAGNODE_LOG_LOG10_1P};
    for (size_t i = 0; i < 12; ++i) put_word(f, words[i]);
    put_word(f, 0);
    put_word(f, 0);
    put_double(f, 10000);
    put_double(f, 0);
    put_double(f, 8000);
    put_double(f, 0);
    put_word(f, PATCH);
    put_word(f, 2);
    put_word(f, LABELS);
    put_word(f, 5);
    put_labels(f, labels);
    put_word(f, 0);
}

/* A .tagnode file of one of the two small models, with or without a head on its embedding. */
static inline void make_container(file *f, const char *network, const char *const labels[LABELS],
                                  bool with_head) {
    static file part;
    static head_file head;
    static const char *const moods[LABELS] = {"Happy", "Very Sad", "other"};
    char path[1024];
    memset(f, 0, sizeof *f);
    put_bytes(f, "TAGMODL2", 8);
    put_word(f, 0);
    put_word(f, with_head ? 3 : 2);
    part.size = 0;
    put_card(&part, network, labels);
    put_chunk(f, "CARD", &part);
    (void)snprintf(path, sizeof path, "%s/%s.tflite", TAGNODE_TEST_DATA, network);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) abort();
    part.size = fread(part.bytes, 1, MOST_FILE, stream);
    (void)fclose(stream);
    put_chunk(f, "TFLT", &part);
    if (with_head) {
        whole_head(&head, 5);
        part.size = 0;
        put_text(&part, "mood");
        put_word(&part, 1);
        put_labels(&part, moods);
        put_bytes(&part, head.bytes, head.size);
        put_chunk(f, "HEAD", &part);
    }
    seal(f);
}

static const char *const SCENE_LABELS[LABELS] = {"speech", "Male Vocal", "drums"};
static const char *const CUSTOM_LABELS[LABELS] = {"guitar", "speech", "flute"};
/* A container whose card ends `missing` bytes early, and whose silence_before is `value`. */
static inline void change_card(file *f, unsigned char missing, unsigned char value) {
    make_container(f, "valid", SCENE_LABELS, false);
    unsigned char *size = f->bytes + 20;
    CHECK(size[1] == 0 && (*size - 1) % 16 >= missing);
    f->bytes[24 + *size - 4] = value;
    *size -= missing;
    seal(f);
}

static char
    folder[256]; /* scene.tagnode; plugins/custom-1.tagnode has the head, custom-2 is damaged */

static inline void write_file(const char *name, const file *f) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL || fwrite(f->bytes, 1, f->size, stream) != f->size) abort();
    (void)fclose(stream);
}

static inline void make_folder(void) {
    static file f;
    const char *place = getenv("TMPDIR");
    if (place == NULL) place = getenv("TEMP"); /* of Windows */
    char path[512];
    (void)snprintf(folder, sizeof folder, "%.200s/tagplug-XXXXXX", place == NULL ? "/tmp" : place);
    if (mkdtemp(folder) == NULL) abort();
    (void)snprintf(path, sizeof path, "%s/plugins", folder);
    if (make_directory(path) != 0 || setenv("PYPLUGIN_MODELS", folder, 1) != 0) abort();
    make_container(&f, "valid", SCENE_LABELS, false);
    write_file("scene.tagnode", &f);
    make_container(&f, "padded", CUSTOM_LABELS, true);
    write_file("plugins/custom-1.tagnode", &f);
    f.bytes[f.size / 2] ^= 1;
    write_file("plugins/custom-2.tagnode", &f);
}

static inline void remove_folder(void) {
    const char *const names[] = {"/plugins/custom-1.tagnode",
                                 "/plugins/custom-2.tagnode",
                                 "/plugins/custom-3.tagnode",
                                 "/plugins",
                                 "/scene.tagnode",
                                 ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s%s", folder, names[i]);
        (void)remove(path);
    }
}

enum { SCENE = 1, MUSICNN_MTT = 2, CUSTOM_1 = 6, CUSTOM_2 = 7, CUSTOM_3 = 8 };

/* Source ids of some labels, and of signals. */
enum { RMS = 1, SPEECH = 100, DRUMS = 103, GUITAR = 111, FLUTE = 134, MALE_VOCAL = 136 };
static const uint32_t SCENE_SOURCES[LABELS] = {SPEECH, MALE_VOCAL, DRUMS};
static const uint32_t CUSTOM_SOURCES[LABELS] = {GUITAR, SPEECH, FLUTE};

static inline void set_field(tagplug *p, uint32_t slot, tagplug_field field, double value) {
    tagplug_set(p, tagplug_field_of(slot, field), (float)value);
}

static inline void pause_ms(long milliseconds) {
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

/* Waits for a status; false after about ten seconds. */
static inline bool reaches(tagplug *p, tagplug_status_code status, void (*play)(tagplug *)) {
    for (int i = 0; i < 2000; ++i) {
        if (play != NULL) play(p);
        if (tagplug_get(p, TAGPLUG_STATUS) == (float)status) return true;
        pause_ms(5);
    }
    return false;
}
