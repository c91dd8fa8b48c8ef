/* What the plugin of the tests is, for the framework that makes a VST3 of it. */
#ifndef DISTRHO_PLUGIN_INFO_H_INCLUDED
#define DISTRHO_PLUGIN_INFO_H_INCLUDED

#ifndef STRIP_LATENCY
#define STRIP_LATENCY 0 /* samples by which all of it comes later */
#endif

#define DISTRHO_PLUGIN_BRAND "tests"
#define DISTRHO_PLUGIN_NAME "Strip"
#define DISTRHO_PLUGIN_URI "urn:tests:strip"
#define DISTRHO_PLUGIN_NUM_INPUTS 2
#define DISTRHO_PLUGIN_NUM_OUTPUTS 2
#define DISTRHO_PLUGIN_IS_RT_SAFE 1
#define DISTRHO_PLUGIN_HAS_UI 0 /* neither a display nor a library for it */
#define DISTRHO_PLUGIN_WANT_LATENCY (STRIP_LATENCY > 0)

#endif
