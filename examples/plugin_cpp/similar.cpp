// similar.cpp -- a verifier in C++17: a score between 0 and 1 by edit distance, a configuration,
// and a vote. SPDX-License-Identifier: MIT
//
// What C++ adds to the rules of plugin.h: no exception may cross the ABI (guarded() below), and the
// instance is a class that starts with the assay_verifier the host knows.
#include <assay/plugin.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <new>
#include <numeric>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace
{
// Beyond this many bytes the distance is not computed: it takes the product of both lengths.
constexpr std::size_t max_bytes = 4096;

std::string_view view(assay_str text)
{
    return text.data ? std::string_view(text.data, text.len) : std::string_view();
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blank = " \t\r\n";
    const auto from = text.find_first_not_of(blank);
    if (from == std::string_view::npos)
        return {};
    return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

// Levenshtein's distance over the longer length: 1 is equal, 0 has nothing in common.
float similarity(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{ 0 });
    for (std::size_t i = 1; i <= a.size(); i++) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({ replaced, row[j] + 1, row[j - 1] + 1 });
        }
    }
    const auto longest = std::max(a.size(), b.size());
    return longest ? 1.0F - static_cast<float>(row[b.size()]) / static_cast<float>(longest) : 1.0F;
}

void emit(const assay_call *call, std::uint32_t item, std::uint32_t channel, std::string_view text)
{
    call->emit(call, item, channel, assay_str{ text.data(), text.size() });
}

struct Similar { // standard layout: a pointer to it is a pointer to its first member
    assay_verifier base;
    float least; // similarity that passes

    assay_verdict judge(const assay_call *call, std::uint32_t i, assay_str completion,
                        assay_str reference, float &score) const
    {
        const auto text = trimmed(view(completion)), wanted = trimmed(view(reference));
        score = std::numeric_limits<float>::quiet_NaN();
        if (wanted.empty() || std::max(text.size(), wanted.size()) > max_bytes) {
            emit(call, i, ASSAY_OUT_REASON,
                 wanted.empty() ? "no reference" : "longer than 4096 bytes");
            return ASSAY_ABSTAIN;
        }
        score = 0;
        if (text.empty()) {
            emit(call, i, ASSAY_OUT_REASON, "empty completion");
            return ASSAY_NO_ANSWER;
        }
        score = similarity(text, wanted);
        if (score >= least)
            return ASSAY_PASS;
        emit(call, i, ASSAY_OUT_REASON, "not similar enough");
        return ASSAY_FAIL;
    }
};

// Runs what may throw and turns an exception into a status.
template <class Body> assay_status guarded(assay_error *err, Body body) noexcept
{
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return ASSAY_E_NOMEM;
    } catch (const std::exception &e) {
        std::snprintf(err->text, sizeof err->text, "similar: %s", e.what());
        return ASSAY_E_FAIL;
    }
}

// The answer to vote with is the whole trimmed completion; a blank one casts no vote.
void emit_answer(const assay_call *call, std::uint32_t i, assay_str completion)
{
    const auto text = trimmed(view(completion));
    if (text.empty())
        return;
    emit(call, i, ASSAY_OUT_KEY, text);
    emit(call, i, ASSAY_OUT_ANSWER, text);
}

assay_status score(assay_verifier *self, const assay_call *call, const assay_batch *in,
                   assay_scores *out, assay_error *err)
{
    return guarded(err, [&]() -> assay_status {
        const auto *similar = reinterpret_cast<const Similar *>(self);
        for (std::uint32_t i = 0; i < in->n; i++) {
            if (call->cancelled(call))
                return ASSAY_E_CANCELLED;
            float value = 0;
            const auto verdict =
                similar->judge(call, i, in->completion[i], in->reference[i], value);
            if (out->verdict)
                out->verdict[i] = verdict;
            if (out->score)
                out->score[i] = value;
            if (call->flags & ASSAY_WANT_ANSWER)
                emit_answer(call, i, in->completion[i]);
        }
        return ASSAY_OK;
    });
}

assay_status extract(assay_verifier *, const assay_call *call, const assay_batch *in, assay_error *)
{
    for (std::uint32_t i = 0; i < in->n; i++)
        emit_answer(call, i, in->completion[i]);
    return ASSAY_OK;
}

const assay_ext_answer answer{ sizeof answer, 0, extract, nullptr };

const void *extension(const assay_verifier *, const char *id)
{
    return std::string_view(id) == ASSAY_EXT_ANSWER ? &answer : nullptr;
}

void destroy(assay_verifier *self)
{
    delete reinterpret_cast<Similar *>(self);
}

// {"least": 0.8}, or nothing; a typo in a reward's settings must not pass in silence.
std::optional<float> read_config(std::string_view config)
{
    if (config.empty())
        return 0.9F;
    static const std::regex known(R"(\s*\{\s*(?:"least"\s*:\s*([0-9]+(?:\.[0-9]+)?)\s*)?\}\s*)");
    std::match_results<std::string_view::const_iterator> found;
    if (!std::regex_match(config.begin(), config.end(), found, known))
        return {};
    const float least = found[1].matched ? std::stof(found[1].str()) : 0.9F;
    return least <= 1 ? std::optional(least) : std::nullopt;
}

assay_status create(const assay_descriptor *, const assay_host *, assay_str config,
                    assay_verifier **out, assay_error *err)
{
    return guarded(err, [&]() -> assay_status {
        const auto least = read_config(view(config));
        if (!least) {
            std::snprintf(err->text, sizeof err->text,
                          "similar: the one known key is \"least\", from 0 to 1");
            return ASSAY_E_CONFIG;
        }
        auto *made = new Similar{ {}, *least };
        made->base.size = sizeof made->base;
        made->base.destroy = destroy;
        made->base.score = score;
        made->base.extension = extension;
        *out = &made->base;
        return ASSAY_OK;
    });
}

const char *const tags[] = { "text", nullptr };
const char schema[] =
    R"({"type":"object","additionalProperties":false,"properties":{"least":{"type":"number",)"
    R"("minimum":0,"maximum":1,"default":0.9,"description":"similarity that passes"}}})";

const assay_descriptor similar = {
    sizeof similar,
    ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT | ASSAY_F_NEEDS_REFERENCE,
    "org.example.similar",
    "similar",
    "1.0.0",
    "MIT",
    "edit distance between completion and reference",
    "",
    tags,
    schema,
    1,  // revision
    20, // cost_us
    0,
    1,
    create,
};
const assay_descriptor *const verifiers[] = { &similar, nullptr };
} // namespace

const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                         sizeof(assay_entry), verifiers };
