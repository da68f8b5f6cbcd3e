/* stream.cpp -- streams, events, and streams that are captured.
 *
 * What a stream is asked is done at once, with one exception: a copy between the device and pinned
 * memory of the host waits in a queue until something else comes after it in its stream, or is
 * waited for. So a host that writes pinned memory again too early, or reads it too early, gets the
 * wrong numbers here, as it may on a device.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <deque>
#include <set>
#include <utility>

struct emu_stream {
    int device;
    bool is_captured, is_broken;
    std::vector<std::function<void()>> kept;   /* while captured */
    std::deque<std::function<void()>> waiting; /* copies not yet done */
    unsigned long long n_issued, n_done;       /* of those */
};

struct emu_event {
    cudaStream_t stream;
    unsigned long long at; /* so many copies of the stream come before it */
    double ms;
};

struct emu_graph {
    int device;
    std::vector<std::function<void()>> work;
};

struct emu_graph_exec {
    emu_graph graph;
};

namespace emu
{
static constexpr int n_devices = 2;
static thread_local int current_device;
static double clock_ms;

static std::set<cudaStream_t> &streams()
{
    static std::set<cudaStream_t> s;
    return s;
}

bool is_current(cudaStream_t stream)
{
    return !stream || stream->device == current_device;
}

void spend(double ms)
{
    clock_ms += ms;
}

static void do_until(cudaStream_t stream, unsigned long long n)
{
    while (stream->n_done < n && !stream->waiting.empty()) {
        stream->waiting.front()();
        stream->waiting.pop_front();
        stream->n_done++;
    }
}

void catch_up(cudaStream_t stream)
{
    if (stream) {
        do_until(stream, stream->n_issued);
        return;
    }
    for (cudaStream_t one : streams())
        do_until(one, one->n_issued);
}

bool is_kept(cudaStream_t stream, const std::function<void()> &work)
{
    if (!stream || !stream->is_captured)
        return false;
    stream->kept.push_back(work);
    return true;
}

/* Waiting for a stream that is captured ends its capture. */
static cudaError_t wait_for(cudaStream_t stream)
{
    if (stream && stream->is_captured) {
        stream->is_broken = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    catch_up(stream);
    return standing_error();
}
} /* namespace emu */

cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= emu_has.n_devices || device >= emu::n_devices)
        return cudaErrorInvalidDevice;
    emu::current_device = device;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = nullptr;
    if (emu_has.refusal || emu_has.failure)
        return static_cast<cudaError_t>(emu_has.refusal ? emu_has.refusal : emu_has.failure);
    *stream = new emu_stream();
    (*stream)->device = emu::current_device;
    emu::streams().insert(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    emu::catch_up(stream);
    emu::streams().erase(stream);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    return emu::wait_for(stream);
}

cudaError_t cudaDeviceSynchronize()
{
    return emu::wait_for(nullptr);
}

cudaError_t cudaMemsetAsync(void *p, int v, size_t n, cudaStream_t stream)
{
    if (!emu::is_whole(p, n))
        return cudaErrorInvalidValue;
    if (emu_has.failure)
        return emu::standing_error();
    if (emu::is_kept(stream, [p, v, n] { cudaMemset(p, v, n); }))
        return cudaSuccess;
    emu::catch_up(stream);
    return cudaMemset(p, v, n);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, cudaMemcpyKind,
                            cudaStream_t stream)
{
    if (!emu::is_whole(to, n) || !emu::is_whole(from, n))
        return cudaErrorInvalidValue;
    if (emu_has.failure)
        return emu::standing_error();
    const bool is_between_devices = emu::is_device_memory(to) && emu::is_device_memory(from);
    const bool is_of_pinned = emu::is_pinned(to, n) || emu::is_pinned(from, n);
    const auto work = [to, from, n] { emu::copy_now(to, from, n); };
    if (stream && stream->is_captured && !is_between_devices && !is_of_pinned) {
        stream->is_broken = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    if (emu::is_kept(stream, work))
        return cudaSuccess;
    if (stream && is_of_pinned) {
        stream->waiting.push_back(work);
        stream->n_issued++;
        return cudaSuccess;
    }
    emu::catch_up(stream);
    work();
    return cudaSuccess;
}

/* ---- events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new emu_event();
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    if (stream && stream->is_captured) {
        stream->is_broken = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    *event = { stream, stream ? stream->n_issued : 0, emu::clock_ms };
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    if (event->stream && emu::streams().count(event->stream) > 0)
        emu::do_until(event->stream, event->at);
    return emu::standing_error();
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    *ms = static_cast<float>(to->ms - from->ms);
    return cudaSuccess;
}

/* ---- captured streams ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    if (!stream || stream->is_captured)
        return cudaErrorInvalidValue;
    if (emu_has.failure)
        return emu::standing_error();
    emu::catch_up(stream);
    stream->is_captured = true;
    stream->is_broken = false;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (!stream || !stream->is_captured)
        return cudaErrorInvalidValue;
    std::vector<std::function<void()>> kept;
    kept.swap(stream->kept);
    stream->is_captured = false;
    if (stream->is_broken)
        return cudaErrorStreamCaptureInvalidated;
    *graph = new emu_graph{ stream->device, std::move(kept) };
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    *exec = new emu_graph_exec{ *graph };
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    if (!stream || stream->is_captured || exec->graph.device != stream->device ||
        !emu::is_current(stream))
        return cudaErrorInvalidValue;
    if (emu_has.failure)
        return emu::standing_error();
    emu::catch_up(stream);
    for (const auto &work : exec->graph.work)
        work();
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}
