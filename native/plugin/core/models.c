/* models.c - finds containers, and keeps each of them once in a process. */
#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "scene.h"
#include "support/message.h"
#include "system/system.h"

static struct {
    tagplug_lock lock;
    tagplug_model *first;
} loaded = {.lock = TAGPLUG_LOCK};

static tagplug_status_code as_status(tagnode_status status) {
    return status == TAGNODE_OK             ? TAGPLUG_STATUS_OK
           : status == TAGNODE_ERROR_MEMORY ? TAGPLUG_STATUS_MEMORY
                                            : TAGPLUG_STATUS_MODEL_REFUSED;
}

static tagplug_status_code missing(tagnode_message *why, const tagnode_plugin_model *about,
                                   const char *path) {
    const bool custom = about->kind == TAGNODE_PLUGIN_CUSTOM;
    (void)tagnode_report(why, TAGNODE_OK,
                         "The model %.64s is missing (%.120s); run `tagnode %s%s`.", about->name,
                         path, custom ? "plugins model NAME --as " : "models get ", about->name);
    return TAGPLUG_STATUS_MODEL_MISSING;
}

static tagplug_status_code read_file(const tagnode_plugin_model *about, const char *path,
                                     tagplug_model **model, tagnode_message *why) {
    FILE *file = tagplug_open(path);
    if (file == NULL) return missing(why, about, path);
    size_t size = 0, room = 1 << 18;
    unsigned char *bytes = malloc(room);
    while (bytes != NULL) {
        size += fread(bytes + size, 1, room - size, file);
        if (size < room || room >= TAGPLUG_MODEL_MOST) break;
        unsigned char *more = realloc(bytes, room *= 2);
        if (more == NULL) free(bytes);
        bytes = more;
    }
    (void)fclose(file);
    if (bytes == NULL) {
        (void)tagnode_no_memory(why, "a model");
        return TAGPLUG_STATUS_MEMORY;
    }
    const tagplug_status_code status = as_status(tagplug_model_read(bytes, size, model, why));
    free(bytes);
    return status;
}

/* The path of a model's file; "" for the one compiled in. */
static bool locate(const tagnode_plugin_model *about, const char *bundle, char *path, size_t size) {
    int length = 0;
    path[0] = '\0';
    if (about->kind == TAGNODE_PLUGIN_INCLUDED) {
        if (bundle != NULL) length = snprintf(path, size, "%s/scene.tagnode", bundle);
        FILE *file = bundle == NULL || (size_t)length >= size ? NULL : tagplug_open(path);
        if (file == NULL)
            path[0] = '\0';
        else
            (void)fclose(file);
        return true;
    }
    char folder[3072];
    if (!tagplug_models_folder(folder, sizeof folder)) return false;
    length = snprintf(path, size, "%s/plugins/%s.tagnode", folder, about->name);
    return length > 0 && (size_t)length < size;
}

/* Reads the model at a path, "" for the one compiled in. */
static tagplug_status_code read_model(const tagnode_plugin_model *about, const char *path,
                                      tagplug_model **model, tagnode_message *why) {
    tagplug_model *made = NULL;
    tagplug_status_code status;
    if (path[0] != '\0')
        status = read_file(about, path, &made, why);
    else if (tagplug_scene_size == 0)
        status = missing(why, about, "this build has none");
    else
        status = as_status(tagplug_model_read(tagplug_scene, tagplug_scene_size, &made, why));
    if (made == NULL) return status;
    made->path = malloc(strlen(path) + 1);
    if (made->path == NULL) {
        tagplug_model_free(made);
        (void)tagnode_no_memory(why, "a model");
        return TAGPLUG_STATUS_MEMORY;
    }
    memcpy(made->path, path, strlen(path) + 1);
    *model = made;
    return status;
}

/* Retains the model of this path if there is one; else adds `made`, unless it is NULL. */
static tagplug_model *retain_or_add(const char *path, tagplug_model *made) {
    tagplug_lock_take(&loaded.lock);
    tagplug_model *model = loaded.first;
    while (model != NULL && strcmp(model->path, path) != 0) model = model->following;
    if (model == NULL && made != NULL) {
        made->following = loaded.first;
        loaded.first = model = made;
    }
    if (model != NULL) ++model->references;
    tagplug_lock_give(&loaded.lock);
    return model;
}

static const tagnode_plugin_model *find_model(uint32_t id) {
    const tagnode_plugin_model *about = NULL;
    for (uint32_t i = 0; (about = tagnode_plugin_model_info(i)) != NULL; ++i)
        if (about->id == id) break;
    return about;
}

tagplug_status_code tagplug_model_take(uint32_t id, const char *bundle, tagplug_model **model,
                                       tagnode_message *why) {
    const tagnode_plugin_model *about = find_model(id);
    *model = NULL;
    if (about == NULL || about->kind == TAGNODE_PLUGIN_NO_MODEL) return TAGPLUG_STATUS_OK;
    char path[4096];
    if (!locate(about, bundle, path, sizeof path)) return missing(why, about, "no folder is named");
    *model = retain_or_add(path, NULL);
    if (*model != NULL) return TAGPLUG_STATUS_OK;
    /* Reading takes long, so no lock is held; two that read one file at once share the first. */
    tagplug_model *made = NULL;
    const tagplug_status_code status = read_model(about, path, &made, why);
    if (made == NULL) return status;
    *model = retain_or_add(path, made);
    if (*model != made) tagplug_model_free(made);
    return status;
}

void tagplug_model_retain(tagplug_model *model) {
    tagplug_lock_take(&loaded.lock);
    ++model->references;
    tagplug_lock_give(&loaded.lock);
}

void tagplug_model_release(tagplug_model *model) {
    if (model == NULL) return;
    tagplug_lock_take(&loaded.lock);
    const bool last = --model->references == 0;
    for (tagplug_model **each = &loaded.first; last && *each != NULL; each = &(*each)->following)
        if (*each == model) {
            *each = model->following;
            break;
        }
    tagplug_lock_give(&loaded.lock);
    if (last) tagplug_model_free(model);
}
