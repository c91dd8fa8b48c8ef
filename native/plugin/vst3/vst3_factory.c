/* vst3_factory.c - the entry points of the file and the factory of the class. */
#include <string.h>

#include "vst3_face.h"
#include "vst3_text.h"

static const vst_id class_id = VST_TAGNODE_ID;

#define SUB_CATEGORIES "Fx|Analyzer"
#define SDK_VERSION "VST 3.7.0" /* of the interfaces */

static int32_t query(void *self, const vst_id id, void **object) {
    static const vst_id known[] = {VST_UNKNOWN_ID, VST_FACTORY_ID, VST_FACTORY_2_ID,
                                   VST_FACTORY_3_ID};
    *object = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (memcmp(id, known[i], sizeof(vst_id)) == 0) *object = self;
    return *object != NULL ? VST_OK : VST_NO_INTERFACE;
}

/* The factory is part of the file: references are not counted. */
static uint32_t ref(void *self) {
    return 1;
}

static uint32_t unref(void *self) {
    return 1;
}

static int32_t factory_info(void *self, vst_factory_info *info) {
    *info = (vst_factory_info){.vendor = VST_VENDOR, .flags = VST_FACTORY_UNICODE};
    return VST_OK;
}

static int32_t count(void *self) {
    return 1;
}

static int32_t class_info_2(void *self, int32_t index, vst_class_2 *info) {
    if (index != 0) return VST_INVALID_ARGUMENT;
    *info = (vst_class_2){.id = VST_TAGNODE_ID,
                          .cardinality = VST_MANY_INSTANCES,
                          .category = VST_CATEGORY,
                          .name = VST_NAME,
                          .sub_categories = SUB_CATEGORIES,
                          .vendor = VST_VENDOR,
                          .version = TAGNODE_VERSION,
                          .sdk_version = SDK_VERSION};
    return VST_OK;
}

static int32_t class_info(void *self, int32_t index, vst_class *info) {
    vst_class_2 whole; /* begins with the fields of a vst_class */
    const int32_t result = class_info_2(self, index, &whole);
    if (result == VST_OK) memcpy(info, &whole, sizeof *info);
    return result;
}

static int32_t class_info_3(void *self, int32_t index, vst_class_3 *info) {
    if (index != 0) return VST_INVALID_ARGUMENT;
    *info = (vst_class_3){.id = VST_TAGNODE_ID,
                          .cardinality = VST_MANY_INSTANCES,
                          .category = VST_CATEGORY,
                          .sub_categories = SUB_CATEGORIES};
    enum { ROOM = sizeof info->name / sizeof *info->name };
    vst_to_utf16(VST_NAME, info->name, ROOM);
    vst_to_utf16(VST_VENDOR, info->vendor, ROOM);
    vst_to_utf16(TAGNODE_VERSION, info->version, ROOM);
    vst_to_utf16(SDK_VERSION, info->sdk_version, ROOM);
    return VST_OK;
}

static int32_t create(void *self, const vst_id wanted, const vst_id id, void **object) {
    *object = NULL;
    if (memcmp(wanted, class_id, sizeof class_id) != 0) return VST_NO_INTERFACE;
    vst_face *face = vst_face_create();
    if (face == NULL) return VST_OUT_OF_MEMORY;
    const int32_t result = vst_face_query(face, id, object);
    (void)vst_face_unref(face); /* the host's reference is left, or none */
    return result;
}

static int32_t set_host(void *self, void *context) {
    return VST_OK;
}

static const vst_factory_table table = {
    .unknown = {query, ref, unref},
    .info = factory_info,
    .count = count,
    .class_info = class_info,
    .create = create,
    .class_info_2 = class_info_2,
    .class_info_3 = class_info_3,
    .set_host = set_host,
};

/* What a host calls after it opened the file and before it closes it. */
#if defined(_WIN32)
#define OPENED InitDll(void)
#define CLOSED ExitDll(void)
#elif defined(__APPLE__)
#define OPENED bundleEntry(void *bundle)
#define CLOSED bundleExit(void)
#else
#define OPENED ModuleEntry(void *library)
#define CLOSED ModuleExit(void)
#endif

/* NOLINTBEGIN(misc-use-internal-linkage): hosts look these up */
FACE_API vst_factory *GetPluginFactory(void) {
    static vst_factory factory = {&table};
    return &factory;
}

FACE_API bool OPENED {
    return true;
}

FACE_API bool CLOSED {
    return true;
}
/* NOLINTEND(misc-use-internal-linkage) */
