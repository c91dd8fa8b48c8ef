/* sources.c - the numbers of sources. A number stands for a name, whatever model is loaded: a label
 * that another model also has keeps its number. */
#include <stdio.h>
#include <string.h>

#include "tagnode.h"

/* The id of a signal is its number plus 1: signals are appended, so neither ever changes. */
enum { FIRST_NAMED = 100, SIGNALS = TAGNODE_SIGNAL_END };
_Static_assert(SIGNALS < FIRST_NAMED, "numbers for signals are left");

/* Labels and groups of the models that the plugin knows by name. Never change one; a new name gets
 * the next number, up to TAGNODE_PLUGIN_SOURCE_OTHER. */
static const struct {
    uint32_t id;
    const char *name;
} named[] = {
    /* clang-format off */
    {100, "tag.speech"}, {101, "tag.singing"}, {102, "tag.music"}, {103, "tag.drums"},
    {104, "tag.tonal"}, {105, "tag.noise"}, {106, "head.any.voice"}, {107, "head.any.drums"},
    {108, "head.any.strings"}, {109, "head.any.heavy"}, {110, "head.any.calm"}, {111, "tag.guitar"},
    {112, "tag.classical"}, {113, "tag.slow"}, {114, "tag.techno"}, {115, "tag.strings"},
    {116, "tag.electronic"}, {117, "tag.rock"}, {118, "tag.fast"}, {119, "tag.piano"},
    {120, "tag.ambient"}, {121, "tag.beat"}, {122, "tag.violin"}, {123, "tag.vocal"},
    {124, "tag.synth"}, {125, "tag.female"}, {126, "tag.indian"}, {127, "tag.opera"},
    {128, "tag.male"}, {129, "tag.vocals"}, {130, "tag.no-vocals"}, {131, "tag.harpsichord"},
    {132, "tag.loud"}, {133, "tag.quiet"}, {134, "tag.flute"}, {135, "tag.woman"},
    {136, "tag.male-vocal"}, {137, "tag.no-vocal"}, {138, "tag.pop"}, {139, "tag.soft"},
    {140, "tag.sitar"}, {141, "tag.solo"}, {142, "tag.man"}, {143, "tag.classic"},
    {144, "tag.choir"}, {145, "tag.voice"}, {146, "tag.new-age"}, {147, "tag.dance"},
    {148, "tag.male-voice"}, {149, "tag.female-vocal"}, {150, "tag.beats"}, {151, "tag.harp"},
    {152, "tag.cello"}, {153, "tag.no-voice"}, {154, "tag.weird"}, {155, "tag.country"},
    {156, "tag.metal"}, {157, "tag.female-voice"}, {158, "tag.choral"}, {159, "tag.alternative"},
    {160, "tag.indie"}, {161, "tag.female-vocalists"}, {162, "tag.00s"},
    {163, "tag.alternative-rock"}, {164, "tag.jazz"}, {165, "tag.beautiful"}, {166, "tag.chillout"},
    {167, "tag.male-vocalists"}, {168, "tag.classic-rock"}, {169, "tag.soul"},
    {170, "tag.indie-rock"}, {171, "tag.mellow"}, {172, "tag.electronica"}, {173, "tag.80s"},
    {174, "tag.folk"}, {175, "tag.90s"}, {176, "tag.chill"}, {177, "tag.instrumental"},
    {178, "tag.punk"}, {179, "tag.oldies"}, {180, "tag.blues"}, {181, "tag.hard-rock"},
    {182, "tag.acoustic"}, {183, "tag.experimental"}, {184, "tag.female-vocalist"},
    {185, "tag.hip-hop"}, {186, "tag.70s"}, {187, "tag.party"}, {188, "tag.easy-listening"},
    {189, "tag.sexy"}, {190, "tag.catchy"}, {191, "tag.funk"}, {192, "tag.electro"},
    {193, "tag.heavy-metal"}, {194, "tag.progressive-rock"}, {195, "tag.60s"}, {196, "tag.rnb"},
    {197, "tag.indie-pop"}, {198, "tag.sad"}, {199, "tag.house"}, {200, "tag.happy"},
    {201, "head.any.applause"}, {202, "head.any.cough"}, {203, "head.any.siren"},
    /* clang-format on */
};
enum { NAMED = sizeof named / sizeof *named };
_Static_assert(FIRST_NAMED + NAMED <= TAGNODE_PLUGIN_SOURCE_OTHER, "numbers for names are left");

/* FNV-1a, 32 bits (Fowler, Noll and Vo). */
static uint32_t hash(const char *name) {
    uint32_t value = 2166136261U;
    for (; *name != '\0'; ++name) value = (value ^ (unsigned char)*name) * 16777619U;
    return value;
}

uint32_t tagnode_plugin_source_find(const char *name) {
    if (name[0] == '\0') return 0;
    const bool signal = strncmp(name, "signal.", 7) == 0;
    for (uint32_t i = 0; signal && i < SIGNALS; ++i)
        if (strcmp(tagnode_signal_info(i)->name, name + 7) == 0) return i + 1;
    if (signal) return 0; /* one of a later version */
    for (uint32_t i = 0; i < NAMED; ++i)
        if (strcmp(named[i].name, name) == 0) return named[i].id;
    return TAGNODE_PLUGIN_SOURCE_OTHER +
           hash(name) % (TAGNODE_PLUGIN_SOURCE_MAX + 1 - TAGNODE_PLUGIN_SOURCE_OTHER);
}

uint32_t tagnode_plugin_source_take(const char *name, bool *taken) {
    enum { FIRST = TAGNODE_PLUGIN_SOURCE_OTHER, LAST = TAGNODE_PLUGIN_SOURCE_MAX };
    uint32_t id = tagnode_plugin_source_find(name);
    for (uint32_t tries = FIRST; taken[id] && tries <= LAST; ++tries)
        id = id < FIRST || id == LAST ? FIRST : id + 1;
    if (taken[id]) return 0;
    taken[id] = true;
    return id;
}

bool tagnode_plugin_source_name(uint32_t id, char *name, size_t size) {
    const uint32_t signal = tagnode_plugin_source_signal(id);
    if (signal != UINT32_MAX) {
        (void)snprintf(name, size, "signal.%s", tagnode_signal_info(signal)->name);
        return true;
    }
    for (uint32_t i = 0; i < NAMED; ++i) {
        if (named[i].id != id) continue;
        (void)snprintf(name, size, "%s", named[i].name);
        return true;
    }
    return false;
}

uint32_t tagnode_plugin_source_signal(uint32_t id) {
    return id >= 1 && id <= SIGNALS ? id - 1 : UINT32_MAX;
}
