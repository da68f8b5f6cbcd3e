/* assay_box.c -- the Python module _assay_box: makes a warm interpreter the zygote of Python jobs.
 * Stable ABI (3.11 and on).
 *
 * A job's values leave through encode(), which looks at types only, never at attributes: what a
 * program does to its own objects changes its own answers, nothing else. SPDX-License-Identifier:
 * Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "../value.h"
#include "../zygote.h"
#include "assay_box.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Taken before any job runs. */
static PyObject *builtins, *compile_function;
static uint64_t seeded; /* with what random numbers begin, in a job that asks for no other seed */

PyObject *box_builtins(void)
{
    return builtins;
}

/* ---- what happened ---- */

box_caught box_catch(void)
{
    box_caught c = { NULL, NULL, NULL };
    PyErr_Fetch(&c.type, &c.value, &c.trace);
    PyErr_NormalizeException(&c.type, &c.value, &c.trace);
    if (c.trace && c.value)
        (void)PyException_SetTraceback(c.value, c.trace);
    PyErr_Clear();
    return c;
}

void box_release(box_caught *c)
{
    Py_XDECREF(c->type);
    Py_XDECREF(c->value);
    Py_XDECREF(c->trace);
}

/* "ValueError: message". The type's name is all that is trusted to exist. */
void box_record_caught(asbx_record_kind kind, uint32_t index, const box_caught *c)
{
    char out[512];
    PyObject *name = c->type ? PyObject_GetAttrString(c->type, "__name__") : NULL;
    PyErr_Clear();
    PyObject *text = c->value ? PyObject_Str(c->value) : NULL;
    PyErr_Clear();
    const char *n = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    PyErr_Clear();
    const char *t = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    PyErr_Clear();
    (void)snprintf(out, sizeof out, "%s%s%s", n ? n : "Exception", t && *t ? ": " : "", t ? t : "");
    zygote_record(kind, index, out, strlen(out));
    Py_XDECREF(text);
    Py_XDECREF(name);
}

void box_record_exception(asbx_record_kind kind, uint32_t index)
{
    box_caught c = box_catch();
    box_record_caught(kind, index, &c);
    box_release(&c);
}

static void flush(const char *name)
{
    PyObject *stream = PySys_GetObject(name);
    PyObject *done =
        stream && stream != Py_None ? PyObject_CallMethod(stream, "flush", NULL) : NULL;
    Py_XDECREF(done);
    PyErr_Clear();
}

void box_flush(void)
{
    flush("stdout");
    flush("stderr");
}

/* Calls a function of a module, where that is loaded; `with`: its argument, where there is a
 * format. */
static void call_in(const char *module, const char *function, const char *format, uint64_t with)
{
    PyObject *name = PyUnicode_FromString(module);
    PyObject *m = name ? PyImport_GetModule(name) : NULL;
    PyObject *done = m ? PyObject_CallMethod(m, function, format, (unsigned long long)with) : NULL;
    PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(m);
    Py_XDECREF(name);
}

/* What the interpreter does at its end, of what a program may count on. */
__attribute__((noreturn)) static void end_script(int status)
{
    call_in("threading", "_shutdown", NULL, 0);
    call_in("atexit", "_run_exitfuncs", NULL, 0);
    box_end(status);
}

void box_end(int status)
{
    box_flush();
    zygote_record(ASBX_RECORD_DONE, 0, "", 0);
    _exit(status);
}

/* ---- running ---- */

PyObject *box_globals(const char *name)
{
    PyObject *module = PyImport_AddModule(name), *dict = module ? PyModule_GetDict(module) : NULL;
    PyObject *text = PyUnicode_FromString(name);
    if (!dict || !text)
        return NULL;
    PyDict_Clear(dict);
    PyDict_SetItemString(dict, "__name__", text);
    PyDict_SetItemString(dict, "__builtins__", builtins);
    Py_DECREF(text);
    return dict;
}

/* As `python program.py` compiles it: coding cookies and all. */
PyObject *box_compile(asbx_text source, const char *name)
{
    PyObject *bytes = PyBytes_FromStringAndSize(source.data, (Py_ssize_t)source.len);
    PyObject *args = bytes ? Py_BuildValue("(Ossii)", bytes, name, "exec", 0, 1) : NULL;
    PyObject *code = args ? PyObject_CallObject(compile_function, args) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(bytes);
    return code;
}

/* sys.exit(n) of a script is its exit status. */
static int exit_status(const box_caught *c)
{
    PyObject *code = c->value ? PyObject_GetAttrString(c->value, "code") : NULL;
    PyErr_Clear();
    if (!code || code == Py_None)
        return 0;
    if (Py_TYPE(code) != &PyLong_Type && Py_TYPE(code) != &PyBool_Type)
        return 1;
    long n = PyLong_AsLong(code);
    PyErr_Clear();
    return (int)(n & 0xff);
}

static void run_script(PyObject *code, PyObject *globals)
{
    PyObject *result = PyEval_EvalCode(code, globals, globals);
    if (result)
        end_script(0);
    bool left = PyErr_ExceptionMatches(PyExc_SystemExit) != 0;
    box_caught c = box_catch();
    if (left)
        end_script(exit_status(&c));
    box_record_caught(ASBX_RECORD_SCRIPT, 0, &c);
    PyErr_Display(c.type, c.value, c.trace);
    end_script(1);
}

/* "f", or "Solution.f": a method of a fresh object for each call. */
PyObject *box_find_entry(PyObject *globals, asbx_text entry)
{
    char name[256];
    if (entry.len == 0 || entry.len >= sizeof name)
        return NULL;
    memcpy(name, entry.data, entry.len);
    name[entry.len] = 0;
    char *dot = strchr(name, '.');
    if (dot)
        *dot = 0;
    PyObject *found = PyDict_GetItemString(globals, name);
    if (!found || !dot) {
        Py_XINCREF(found);
        return found;
    }
    PyObject *object = PyObject_CallNoArgs(found);
    PyObject *method = object ? PyObject_GetAttrString(object, dot + 1) : NULL;
    Py_XDECREF(object);
    return method;
}

static void run_call(PyObject *globals, zygote_text *text, uint32_t i, size_t most)
{
    asbx_text encoded;
    PyObject *args = zygote_next(text, &encoded) ? box_decode(encoded, NULL) : NULL;
    if (!args || Py_TYPE(args) != &PyTuple_Type) { /* the supervisor looked: want of memory */
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "the arguments of the call are no tuple of values");
        box_record_exception(ASBX_RECORD_RAISED, i);
        Py_XDECREF(args);
        return;
    }
    PyObject *f = box_find_entry(globals, text->entry_point);
    if (!f && !PyErr_Occurred())
        PyErr_SetString(PyExc_NameError, "the function that is to be called is not defined");
    PyObject *result = f ? PyObject_CallObject(f, args) : NULL;
    if (result) {
        box_buffer out = { .most = most };
        box_encode(&out, result);
        zygote_record(ASBX_RECORD_VALUE, i, out.data, out.len);
        box_buffer_fini(&out);
    } else {
        box_record_exception(ASBX_RECORD_RAISED, i);
    }
    Py_XDECREF(result);
    Py_XDECREF(f);
    Py_DECREF(args);
}

/* The same program gives the same again. */
static void seed(uint64_t with)
{
    call_in("random", "seed", "K", with);
    call_in("numpy.random", "seed", "K", with & UINT32_MAX);
    seeded = with;
}

/* Without PyOS_AfterFork_Child(), which is for a child of many threads: a zygote has one, and what
 * its locks and its thread's name were they still are. */
static void run(void *context, zygote_text *text, const asbx_order *order)
{
    (void)context;
    if (order->seed != seeded)
        seed(order->seed);
    if (order->flags & ASBX_ORDER_TESTER)
        box_run_tester(text, order);
    zygote_record(ASBX_RECORD_BEGAN, 0, "", 0);
    bool is_script = text->entry_point.len == 0; /* what is called has no main part */
    PyObject *globals = box_globals(is_script ? "__main__" : "program");
    PyObject *code = globals ? box_compile(text->source, "program") : NULL;
    if (!code) {
        box_record_exception(ASBX_RECORD_SYNTAX, 0);
        box_end(1);
    }
    if (is_script)
        run_script(code, globals);
    PyObject *result = PyEval_EvalCode(code, globals, globals);
    if (!result) {
        box_record_exception(ASBX_RECORD_SCRIPT, 0);
        box_end(1);
    }
    if (order->flags & ASBX_ORDER_TESTED)
        box_serve_calls(globals, text->entry_point, order);
    for (uint32_t i = 0; i < text->head->n_calls; i++)
        run_call(globals, text, i, (size_t)order->limits.out_kib << 10);
    box_end(0);
}

/* ---- the zygote ---- */

static bool import_all(const char *names)
{
    char name[128];
    while (*names) {
        size_t n = strcspn(names, ",");
        if (n > 0 && n < sizeof name) {
            memcpy(name, names, n);
            name[n] = 0;
            PyObject *module = PyImport_ImportModule(name);
            if (!module)
                return false;
            Py_DECREF(module);
        }
        names += n + (names[n] == ',');
    }
    return true;
}

/* What modules want done after a fork is for threads there are none of, and for random numbers that
 * must differ where ours must not; in each job it would cost more than the fork. dict() is a
 * function that takes any keywords and does nothing. */
static bool import_prelude(const char *names)
{
    static const char name[] = "register_at_fork";
    PyObject *os = PyImport_ImportModule("os");
    PyObject *kept = os ? PyObject_GetAttrString(os, name) : NULL;
    bool ok = kept && PyObject_SetAttrString(os, name, (PyObject *)&PyDict_Type) == 0 &&
              import_all(names) && PyObject_SetAttrString(os, name, kept) == 0;
    Py_XDECREF(kept);
    Py_XDECREF(os);
    return ok;
}

/* What a first compile and a first print touch is touched once here, not in every job; and what is
 * warm is not collected. */
static bool warm_up(void)
{
    static const char code[] =
        "import sys, gc\n"
        "exec(compile('def f(x):\\n    return sorted(x)\\nf([2, 1])\\n', 'warm', 'exec'), {})\n"
        "sys.argv[:] = sys.orig_argv[:] = ['program']\n"
        "sys.modules.pop('_assay_box', None)\n"
        "gc.collect()\n"
        "gc.freeze()\n";
    PyObject *globals = PyDict_New();
    if (!globals || PyDict_SetItemString(globals, "__builtins__", builtins) < 0)
        return false;
    PyObject *bytecode = Py_CompileString(code, "warm", Py_file_input);
    PyObject *result = bytecode ? PyEval_EvalCode(bytecode, globals, globals) : NULL;
    Py_XDECREF(bytecode);
    Py_XDECREF(result);
    Py_DECREF(globals);
    return result != NULL;
}

/* Each page of ours that a job is first to write to costs it two microseconds. CPython hands out
 * blocks of one size from pools of 16 KiB with a head in the first page, and a warm interpreter has
 * holes in many: a job would write to two or three pages for each size it needs. Filled, they leave
 * it fresh pools, whose first blocks lie beside the head. */
static void fill_holes(void)
{
    enum { POOL = 16 << 10, HEAD = 48, STEP = 16, LARGEST = 512, MOST = 128 << 10 };
    for (size_t size = STEP; size <= LARGEST; size += STEP)
        for (size_t filled = 0; filled < MOST; filled += size)
            if (((uintptr_t)PyObject_Malloc(size) & (POOL - 1)) <= HEAD)
                break;
}

static PyObject *serve(PyObject *self, PyObject *args)
{
    int fd;
    const char *prelude;
    unsigned long with;
    (void)self;
    if (!PyArg_ParseTuple(args, "isk", &fd, &prelude, &with) || !import_prelude(prelude) ||
        !box_values_init())
        return NULL;
    seed(with);
    builtins = PyEval_GetBuiltins();
    compile_function = builtins ? PyDict_GetItemString(builtins, "compile") : NULL;
    if (!compile_function || !box_remote_init() || !warm_up())
        return NULL;
    fill_holes();
    Py_INCREF(builtins);
    Py_INCREF(compile_function);
    PyDict_Clear(PyEval_GetGlobals()); /* of the lines that started us: a frame beneath every job */
    (void)syscall(SYS_close_range, (unsigned)fd + 1, ~0U, 0);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    const zygote_hooks hooks = { .run = run };
    _exit(zygote_serve(fd, &hooks));
}

static PyMethodDef methods[] = { { "serve", serve, METH_VARARGS,
                                   "serve(socket, prelude, seed): never returns" },
                                 { NULL, NULL, 0, NULL } };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT,
                                     "_assay_box",
                                     "The zygote of Python jobs.",
                                     -1,
                                     methods,
                                     NULL,
                                     NULL,
                                     NULL,
                                     NULL };

PyMODINIT_FUNC PyInit__assay_box(void); /* by this name the interpreter finds it */
PyMODINIT_FUNC PyInit__assay_box(void)
{
    return PyModule_Create(&module);
}
