/* recording.cu -- operations recorded once and played often: the stream is captured, and what it
 * was asked becomes a graph of CUDA's, launched as one.
 *
 * A step of decoding is some hundreds of kernels of a few microseconds each; played, they cost the
 * host one call. That returns at once, so the host scores what was sampled before while the device
 * goes on.
 *
 * The capture is relaxed: other devices and other threads of the process are nobody's business, and
 * what must not be recorded is refused before it reaches CUDA. Refusals and failures since `record`
 * end in no recording.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/internal.h"
#include <new>

struct k_recording {
    k_device *dev;
    cudaGraphExec_t graph;
};

/* Ends what is captured; NULL where that broke. */
static cudaGraph_t end_capture(k_cuda_device *d)
{
    cudaGraph_t graph = nullptr;
    d->is_recording = false;
    if (k_cuda_failed(cudaStreamEndCapture(d->stream, &graph)) != K_OK)
        return nullptr;
    return graph;
}

int k_cuda_record(k_device *dev)
{
    if (k_cuda_refuses(dev))
        return K_EARG;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const int rc = k_cuda_failed(cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeRelaxed));
    if (rc != K_OK)
        return rc;
    d->is_recording = true;
    d->is_broken = false;
    d->n_failures = k_cuda_failures();
    return K_OK;
}

int k_cuda_recorded(k_device *dev, k_recording **out)
{
    *out = nullptr;
    if (!k_cuda_of(dev)->is_recording)
        return K_EARG;
    k_cuda_device *d = k_cuda_use(dev);
    if (!d)
        return K_EDEVICE;
    const bool is_good = !d->is_broken && d->n_failures == k_cuda_failures();
    cudaGraph_t graph = end_capture(d);
    if (!graph)
        return K_EDEVICE;
    auto *r = is_good ? new (std::nothrow) k_recording{ dev, nullptr } : nullptr;
    int rc = K_EDEVICE;
    if (!is_good)
        k_cuda_note(rc, "something was asked of the device between record and recorded that failed "
                        "or cannot be recorded");
    else if (r)
        rc = k_cuda_failed(cudaGraphInstantiate(&r->graph, graph, 0));
    cudaGraphDestroy(graph);
    if (rc == K_OK)
        *out = r;
    else
        delete r;
    return rc;
}

int k_cuda_play(k_device *dev, k_recording *what)
{
    if (!what || what->dev != dev || k_cuda_refuses(dev))
        return K_EARG;
    k_cuda_device *d = k_cuda_use(dev);
    return d ? k_cuda_failed(cudaGraphLaunch(what->graph, d->stream)) : K_EDEVICE;
}

void k_cuda_forget(k_device *dev, k_recording *what)
{
    if (!what)
        return;
    k_cuda_device *d = k_cuda_use(what->dev ? what->dev : dev);
    if (d) {
        if (!d->is_recording)
            cudaStreamSynchronize(d->stream); /* it may be playing */
        cudaGraphExecDestroy(what->graph);
    }
    delete what;
}

void k_cuda_end_recording(k_cuda_device *d)
{
    if (!d->is_recording)
        return;
    cudaGraph_t graph = end_capture(d);
    if (graph)
        cudaGraphDestroy(graph);
}
