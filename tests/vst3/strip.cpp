/* A small VST3 effect with every kind of parameter that a host finds: a number of even steps, one
 * that begins at minus infinity, a frequency of even ratios in 240 steps, a switch, a choice of
 * words. Nothing is smoothed, so that what arrives is heard. */
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <utility>

#include "DistrhoPlugin.hpp"

START_NAMESPACE_DISTRHO

class Strip : public Plugin {
    enum { GAIN, LEVEL, CUTOFF, FILTER, SIDE, PARAMETERS };
    enum { STEPS = 240 };

    float values_[PARAMETERS] = {0, 0, STEPS, 0, 0};
    float low_[2];                     /* of the low-pass */
    float late_[2][STRIP_LATENCY + 1]; /* the last samples, and where the next one goes */
    uint32_t at_;

    static double hertz(double step) {
        return 20 * std::pow(1000, step / STEPS);
    }

    static void name_values(Parameter &p, std::initializer_list<ParameterEnumerationValue> named) {
        p.enumValues.count = static_cast<uint8_t>(named.size());
        p.enumValues.values = new ParameterEnumerationValue[named.size()];
        ParameterEnumerationValue *next = p.enumValues.values;
        for (const ParameterEnumerationValue &each : named) *next++ = each;
    }

public:
    Strip() : Plugin(PARAMETERS, 0, 0) {
#if DISTRHO_PLUGIN_WANT_LATENCY
        setLatency(STRIP_LATENCY);
#endif
        Strip::activate();
    }

protected:
    const char *getLabel() const override { return "Strip"; }
    const char *getMaker() const override { return "tests"; }
    const char *getLicense() const override { return "MIT"; }
    uint32_t getVersion() const override { return d_version(1, 0, 0); }
    int64_t getUniqueId() const override { return d_cconst('S', 't', 'r', 'p') + STRIP_LATENCY; }

    void initParameter(uint32_t index, Parameter &p) override {
        static const char *const names[PARAMETERS] = {"Gain", "Level", "Cutoff", "Filter", "Side"};
        p.name = p.symbol = names[index];
        p.hints = kParameterIsAutomatable;
        switch (index) {
        case GAIN:
            p.unit = "dB";
            p.ranges = ParameterRanges(0, -60, 12);
            break;
        case LEVEL:
            p.unit = "dB";
            p.ranges = ParameterRanges(0, -90, 6);
            name_values(p, {{-90, "-inf"}});
            break;
        case CUTOFF:
            p.hints |= kParameterIsInteger;
            p.ranges = ParameterRanges(STEPS, 0, STEPS);
            p.enumValues.count = STEPS + 1;
            p.enumValues.values = new ParameterEnumerationValue[STEPS + 1];
            for (int i = 0; i <= STEPS; ++i) {
                char text[32];
                const double f = hertz(i);
                std::snprintf(text, sizeof text, f < 1000 ? "%.2f Hz" : "%.4f kHz",
                              f < 1000 ? f : f / 1000);
                p.enumValues.values[i] = {static_cast<float>(i), text};
            }
            break;
        case FILTER:
            p.hints |= kParameterIsBoolean;
            name_values(p, {{0, "Off"}, {1, "On"}});
            break;
        case SIDE:
            p.hints |= kParameterIsInteger;
            p.ranges = ParameterRanges(0, 0, 2);
            name_values(p, {{0, "both"}, {1, "left"}, {2, "right"}});
        }
    }

    float getParameterValue(uint32_t index) const override { return values_[index]; }
    void setParameterValue(uint32_t index, float value) override { values_[index] = value; }

    void activate() override {
        for (int side = 0; side < 2; ++side) {
            low_[side] = 0;
            for (float &x : late_[side]) x = 0;
        }
        at_ = 0;
    }

    void run(const float **inputs, float **outputs, uint32_t frames) override {
        const double level = values_[LEVEL] > -90 ? std::pow(10, values_[LEVEL] / 20) : 0;
        const double gain = level * std::pow(10, values_[GAIN] / 20);
        const double pole = std::exp(-2 * M_PI * hertz(values_[CUTOFF]) / getSampleRate());
        for (uint32_t i = 0; i < frames; ++i) {
            const uint32_t next = (at_ + 1) % (STRIP_LATENCY + 1);
            for (int side = 0; side < 2; ++side) {
                double x = inputs[side][i];
                if (values_[FILTER] > 0.5f)
                    x = low_[side] = static_cast<float>(x + pole * (low_[side] - x));
                const bool heard = values_[SIDE] != 2 - side;
                late_[side][at_] = heard ? static_cast<float>(gain * x) : 0;
                outputs[side][i] = late_[side][next];
            }
            at_ = next;
        }
    }
};

Plugin *createPlugin() {
    return new Strip();
}

END_NAMESPACE_DISTRHO
