#include "worker/litert_api.h"

#include "support/message.h"
#include "worker/library.h"

#include <string.h>

#define MEMBER(name) offsetof(litert_api, name)
static const struct {
    const char *name;
    size_t member;
} symbols[] = {
    /* Exists from 2.3 on, and is first so that an older library is reported to lack it.
       Before 2.1.6 LiteRtCreateModelFromBuffer takes other arguments; before 2.3 more of the
       damaged files end the process. */
    {"LiteRtCompiledModelIsNonCpuFullyAccelerated", MEMBER(mark_of_version)},
    {"LiteRtCreateEnvironment", MEMBER(create_environment)},
    {"LiteRtDestroyEnvironment", MEMBER(destroy_environment)},
    {"LiteRtCreateModelFromBuffer", MEMBER(create_model)},
    {"LiteRtDestroyModel", MEMBER(destroy_model)},
    {"LiteRtGetNumModelSignatures", MEMBER(model_signatures)},
    {"LiteRtGetModelSignature", MEMBER(model_signature)},
    {"LiteRtGetNumSignatureInputs", MEMBER(signature_inputs)},
    {"LiteRtGetNumSignatureOutputs", MEMBER(signature_outputs)},
    {"LiteRtGetSignatureInputTensorByIndex", MEMBER(signature_input)},
    {"LiteRtGetSignatureOutputTensorByIndex", MEMBER(signature_output)},
    {"LiteRtGetRankedTensorType", MEMBER(tensor_type)},
    {"LiteRtCreateOptions", MEMBER(create_options)},
    {"LiteRtDestroyOptions", MEMBER(destroy_options)},
    {"LiteRtSetOptionsHardwareAccelerators", MEMBER(set_accelerators)},
    {"LiteRtCreateOpaqueOptions", MEMBER(create_opaque)},
    {"LiteRtDestroyOpaqueOptions", MEMBER(destroy_opaque)},
    {"LiteRtAddOpaqueOptions", MEMBER(add_opaque)},
    {"LiteRtCreateCompiledModel", MEMBER(compile)},
    {"LiteRtDestroyCompiledModel", MEMBER(destroy_compiled)},
    {"LiteRtGetCompiledModelInputBufferRequirements", MEMBER(input_requirements)},
    {"LiteRtGetCompiledModelOutputBufferRequirements", MEMBER(output_requirements)},
    {"LiteRtCreateManagedTensorBufferFromRequirements", MEMBER(create_buffer)},
    {"LiteRtDestroyTensorBuffer", MEMBER(destroy_buffer)},
    {"LiteRtGetTensorBufferPackedSize", MEMBER(buffer_bytes)},
    {"LiteRtLockTensorBuffer", MEMBER(lock)},
    {"LiteRtUnlockTensorBuffer", MEMBER(unlock)},
    {"LiteRtRunCompiledModel", MEMBER(run)},
};
#undef MEMBER

tagnode_status tagnode_litert_load(const char *path, litert_api *api, tagnode_message *why) {
    const char *shown = path != NULL ? path : "libLiteRt.so";
    /* If it were unmapped, the process would crash at its end (2.1.5 and 2.2.0). */
    void *library = tagnode_library_open(shown);
    if (library == NULL)
        return tagnode_report(
            why, TAGNODE_ERROR_RUNTIME,
            "LiteRT's library %s cannot be loaded (%s); install ai-edge-litert 2.3 or later.",
            shown, tagnode_library_error());
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; ++i) {
        void *address = tagnode_library_symbol(library, symbols[i].name);
        if (address == NULL)
            return tagnode_report(why, TAGNODE_ERROR_RUNTIME,
                                  "%s is not a LiteRT library, or too old: it has no %s; "
                                  "install ai-edge-litert 2.3 or later.",
                                  shown, symbols[i].name);
        memcpy((char *)api + symbols[i].member, (const void *)&address, sizeof address);
    }
    return TAGNODE_OK;
}
