/* remote.c -- a function in another job. In the tester's job: the candidate, a function that sends
 * its arguments up and waits for what comes down. In the tested job: the loop that answers. Only
 * values cross, so nothing the tested program does can run in the tester, or be seen of it.
 * SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "assay_box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TEXT = 256 };

/* Of the tester: what the candidate raised last, and how often it was answered. */
static PyObject *thrown;
static uint32_t made, answered;
static size_t most;
static PyObject *opaque_type;

/* ---- records down ---- */

static bool read_all(void *out, size_t len)
{
    char *p = out;
    while (len > 0) {
        ssize_t n = read(ASBX_JOB_FD_DOWN, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* The next record's payload, the caller's to free; NULL: there are no more. */
static char *read_record(asbx_record *head)
{
    char *data = read_all(head, sizeof *head) ? malloc((size_t)head->len + 1) : NULL;
    if (data && read_all(data, head->len))
        return data;
    free(data);
    return NULL;
}

static PyObject *part(PyObject *tuple, Py_ssize_t i)
{
    return PyTuple_GetItem(tuple, i); /* borrowed */
}

static bool is_tuple(PyObject *v, Py_ssize_t n)
{
    return v && Py_TYPE(v) == &PyTuple_Type && PyTuple_Size(v) == n;
}

/* ---- values of other types ---- */

/* object's own ways: it equals itself, and says nothing of what it stood for but the name. */
static PyObject *opaque_repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "type_name");
    PyObject *text = name ? PyUnicode_FromFormat("<a value of type %U>", name) : NULL;
    Py_XDECREF(name);
    return text;
}

static PyObject *make_opaque(const char *name, size_t len)
{
    PyObject *text =
        PyUnicode_DecodeUTF8(name, (Py_ssize_t)(len < MOST_TEXT ? len : MOST_TEXT), "replace");
    PyObject *object = text ? PyObject_CallNoArgs(opaque_type) : NULL;
    if (object && PyObject_SetAttrString(object, "type_name", text) < 0)
        Py_CLEAR(object);
    Py_XDECREF(text);
    return object;
}

static PyObject *make_opaque_type(void)
{
    union {
        PyObject *(*repr)(PyObject *);
        void *slot;
    } repr = { .repr = opaque_repr };
    PyType_Slot slots[] = { { Py_tp_repr, repr.slot }, { 0, NULL } };
    PyType_Spec spec = { .name = "candidate.Opaque",
                         .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                         .slots = slots };
    PyObject *base = PyType_FromSpec(&spec); /* a subclass of it has a __dict__ */
    PyObject *type =
        base ? PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){}", "Opaque", base) : NULL;
    Py_XDECREF(base);
    return type;
}

bool box_remote_init(void)
{
    opaque_type = make_opaque_type();
    return opaque_type != NULL;
}

/* ---- exceptions ---- */

/* The first of the exception's classes that is the interpreter's own; borrowed name, or NULL. */
static PyObject *builtin_name(PyObject *type)
{
    PyObject *classes = PyObject_GetAttrString(type, "__mro__");
    PyErr_Clear();
    PyObject *found = NULL;
    Py_ssize_t n = classes && Py_TYPE(classes) == &PyTuple_Type ? PyTuple_Size(classes) : 0;
    for (Py_ssize_t i = 0; i < n && !found; i++) {
        PyObject *name, *value;
        Py_ssize_t at = 0;
        while (!found && PyDict_Next(box_builtins(), &at, &name, &value))
            if (value == part(classes, i) && PyExceptionClass_Check(value))
                found = name;
    }
    Py_XDECREF(classes);
    return found;
}

static bool has_encoding(PyObject *v)
{
    box_buffer b = { .most = 4096 };
    box_encode(&b, v);
    bool ok = !b.unknown;
    box_buffer_fini(&b);
    return ok;
}

/* Its arguments where they are values, else what it says as a text. */
static PyObject *arguments_of(PyObject *exception)
{
    PyObject *args = PyObject_GetAttrString(exception, "args");
    PyErr_Clear();
    if (args && Py_TYPE(args) == &PyTuple_Type && has_encoding(args))
        return args;
    Py_XDECREF(args);
    PyObject *text = PyObject_Str(exception);
    PyErr_Clear();
    const char *utf8 = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    PyErr_Clear();
    PyObject *cut = Py_BuildValue("(N)", PyUnicode_FromFormat("%.500s", utf8 ? utf8 : ""));
    Py_XDECREF(text);
    return cut;
}

/* (name, arguments) of the error that is set; it is cleared. */
static PyObject *describe_error(void)
{
    box_caught c = box_catch();
    PyObject *name = c.type ? builtin_name(c.type) : NULL;
    PyObject *args = c.value ? arguments_of(c.value) : PyTuple_New(0);
    PyObject *both = !args  ? NULL
                     : name ? Py_BuildValue("(OO)", name, args)
                            : Py_BuildValue("(sO)", "Exception", args);
    Py_XDECREF(args);
    box_release(&c);
    return both;
}

/* StopIteration and its like would end a loop of the tester's instead of failing it. */
static bool steers(PyObject *type)
{
    return type == PyExc_StopIteration || type == PyExc_StopAsyncIteration ||
           type == PyExc_GeneratorExit;
}

/* A new exception from (name, arguments): of that builtin type, or a RuntimeError. */
static PyObject *make_error(PyObject *described)
{
    PyObject *name = part(described, 0), *args = part(described, 1);
    PyObject *type = Py_TYPE(name) == &PyUnicode_Type ? PyDict_GetItem(box_builtins(), name) : NULL;
    PyObject *error = NULL;
    if (type && PyExceptionClass_Check(type) && !steers(type) && Py_TYPE(args) == &PyTuple_Type)
        error = PyObject_CallObject(type, args);
    PyErr_Clear();
    if (error && PyExceptionInstance_Check(error))
        return error;
    Py_XDECREF(error);
    PyObject *text = PyUnicode_FromFormat("%S: %S", name, args);
    error = text ? PyObject_CallFunctionObjArgs(PyExc_RuntimeError, text, NULL) : NULL;
    Py_XDECREF(text);
    return error;
}

/* ---- the tested job ---- */

static PyObject *call_once(PyObject *globals, asbx_text entry, PyObject *args, PyObject *kwargs)
{
    PyObject *f = box_find_entry(globals, entry);
    if (!f && !PyErr_Occurred())
        PyErr_SetString(PyExc_NameError, "the function that is to be called is not defined");
    PyObject *result = f ? PyObject_Call(f, args, kwargs) : NULL;
    Py_XDECREF(f);
    return result;
}

/* What the call made of its arguments: None where they are as they came. */
static PyObject *changed(PyObject *call, asbx_text came)
{
    box_buffer now = { .most = most };
    box_encode(&now, call);
    bool same = now.len == came.len && memcmp(now.data, came.data, came.len) == 0;
    box_buffer_fini(&now);
    PyObject *v = same ? Py_None : part(call, 0);
    Py_INCREF(v);
    return v;
}

static void send(asbx_record_kind kind, uint32_t index, PyObject *value)
{
    box_buffer out = { .most = most };
    box_encode(&out, value);
    zygote_record(kind, index, out.data, out.len);
    box_buffer_fini(&out);
}

static void answer(PyObject *globals, asbx_text entry, uint32_t index, asbx_text text)
{
    PyObject *call = box_decode(text, NULL), *args = is_tuple(call, 2) ? part(call, 0) : NULL;
    PyObject *kwargs = args ? part(call, 1) : NULL;
    if (!args || Py_TYPE(args) != &PyTuple_Type || Py_TYPE(kwargs) != &PyDict_Type) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_MemoryError, "no memory for the arguments");
        Py_CLEAR(call);
    }
    PyObject *result = call ? call_once(globals, entry, args, kwargs) : NULL;
    PyObject *raised = result ? NULL : describe_error();
    PyObject *after = call ? changed(call, text) : NULL;
    box_flush();
    PyErr_Clear();
    PyObject *all = PyTuple_Pack(3, result ? result : Py_None, raised ? raised : Py_None,
                                 after ? after : Py_None);
    if (all)
        send(ASBX_RECORD_ANSWER, index, all);
    Py_XDECREF(all);
    Py_XDECREF(after);
    Py_XDECREF(raised);
    Py_XDECREF(result);
    Py_XDECREF(call);
}

void box_serve_calls(PyObject *globals, asbx_text entry, const asbx_order *order)
{
    asbx_record head;
    char *data;
    most = (size_t)order->limits.out_kib << 10;
    PyObject *f = box_find_entry(globals, entry);
    if (!f) { /* as a test in the same process would have it: before its first line */
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_NameError, "the function that is to be called is not defined");
        box_record_exception(ASBX_RECORD_SCRIPT, 0);
        box_end(1);
    }
    Py_DECREF(f);
    while ((data = read_record(&head)) != NULL) {
        answer(globals, entry, head.index, (asbx_text){ data, head.len });
        free(data);
    }
    box_end(0);
}

/* ---- the tester's job: arguments that came back changed ---- */

static bool is_mutable(PyObject *v)
{
    return Py_TYPE(v) == &PyList_Type || Py_TYPE(v) == &PyDict_Type || Py_TYPE(v) == &PySet_Type;
}

/* `new` was decoded: no deeper than ASBX_VALUE_DEPTH. NOLINTBEGIN(misc-no-recursion) */
static void update(PyObject *old, PyObject *new);

/* `new`, or `old` made equal to it, where a container stands in the place of one of its kind. */
static PyObject *merged(PyObject *old, PyObject *new)
{
    bool same = old && Py_TYPE(old) == Py_TYPE(new) &&
                (is_mutable(old) || is_tuple(new, PyTuple_Check(old) ? PyTuple_Size(old) : -1));
    if (same && is_mutable(old))
        update(old, new);
    else if (same)
        for (Py_ssize_t i = 0; i < PyTuple_Size(old); i++)
            Py_DECREF(merged(part(old, i), part(new, i)));
    PyObject *v = same && is_mutable(old) ? old : new;
    Py_INCREF(v);
    return v;
}

static void update_list(PyObject *old, PyObject *new)
{
    for (Py_ssize_t i = 0; i < PyList_Size(new) && i < PyList_Size(old); i++)
        (void)PyList_SetItem(new, i, merged(PyList_GetItem(old, i), PyList_GetItem(new, i)));
    (void)PyList_SetSlice(old, 0, PyList_Size(old), new);
}

static void update_dict(PyObject *old, PyObject *new)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(new, &at, &key, &value)) { /* replaces values of keys that are there */
        PyObject *v = merged(PyDict_GetItem(old, key), value);
        (void)PyDict_SetItem(new, key, v);
        Py_DECREF(v);
    }
    PyDict_Clear(old);
    (void)PyDict_Update(old, new);
}

static void update(PyObject *old, PyObject *new)
{
    if (Py_TYPE(old) == &PyList_Type) {
        update_list(old, new);
    } else if (Py_TYPE(old) == &PyDict_Type) {
        update_dict(old, new);
    } else {
        (void)PySet_Clear(old);
        PyObject *done = PyObject_CallMethod(old, "update", "O", new);
        Py_XDECREF(done);
    }
    PyErr_Clear();
}
/* NOLINTEND(misc-no-recursion) */

/* ---- the tester's job: the candidate ---- */

__attribute__((noreturn)) static void end_test(asbx_record_kind kind, uint32_t line,
                                               const char *text)
{
    zygote_record(kind, line, text, strlen(text));
    _exit(0);
}

static void send_call(PyObject *args, PyObject *kwargs)
{
    PyObject *none = kwargs ? NULL : PyDict_New();
    PyObject *call = PyTuple_Pack(2, args, kwargs ? kwargs : none);
    box_buffer out = { .most = most };
    if (!call)
        end_test(ASBX_RECORD_UNFIT, 0, "no memory for the arguments of a call");
    box_encode(&out, call);
    if (out.unknown)
        end_test(ASBX_RECORD_UNFIT, 0,
                 "an argument of a call is of no builtin type, too deep or too large");
    zygote_record(ASBX_RECORD_CALL, ++made, out.data, out.len);
    box_buffer_fini(&out);
    Py_DECREF(call);
    Py_XDECREF(none);
}

/* (result, raised, arguments); NULL with MemoryError. */
static PyObject *await_answer(void)
{
    asbx_record head;
    char *data = read_record(&head);
    if (!data)
        _exit(1); /* the supervisor is gone, or has seen enough */
    PyObject *v = box_decode((asbx_text){ data, head.len }, make_opaque);
    free(data);
    answered++;
    PyErr_Clear();
    if (is_tuple(v, 3) && (part(v, 1) == Py_None || is_tuple(part(v, 1), 2)))
        return v;
    Py_XDECREF(v); /* forged, or too large for its limit */
    PyObject *what = make_opaque("unreadable", 10);
    v = what ? PyTuple_Pack(3, what, Py_None, Py_None) : NULL;
    Py_XDECREF(what);
    return v;
}

static PyObject *call_candidate(PyObject *self, PyObject *args, PyObject *kwargs)
{
    (void)self;
    send_call(args, kwargs);
    PyObject *v = await_answer();
    if (!v)
        return NULL;
    if (is_tuple(part(v, 2), PyTuple_Size(args)))
        Py_DECREF(merged(args, part(v, 2)));
    if (part(v, 1) != Py_None) {
        Py_XDECREF(thrown);
        thrown = make_error(part(v, 1));
        if (thrown)
            PyErr_SetObject((PyObject *)Py_TYPE(thrown), thrown);
        Py_DECREF(v);
        return NULL;
    }
    PyObject *result = part(v, 0);
    Py_INCREF(result);
    Py_DECREF(v);
    return result;
}

/* ---- the tester's job: the test ---- */

/* Under "candidate", and under its own name where that is one. */
static bool bind(PyObject *globals, PyObject *candidate, const char *entry)
{
    return PyDict_SetItemString(globals, "candidate", candidate) == 0 &&
           (strchr(entry, '.') || PyDict_SetItemString(globals, entry, candidate) == 0);
}

static long number_of(PyObject *object, const char *attribute)
{
    PyObject *v = PyObject_GetAttrString(object, attribute);
    long n = v && Py_TYPE(v) == &PyLong_Type ? PyLong_AsLong(v) : 0;
    PyErr_Clear();
    Py_XDECREF(v);
    return n;
}

static bool is_of_test(PyObject *trace)
{
    PyObject *frame = PyObject_GetAttrString(trace, "tb_frame");
    PyObject *code = frame ? PyObject_GetAttrString(frame, "f_code") : NULL;
    PyObject *name = code ? PyObject_GetAttrString(code, "co_filename") : NULL;
    bool is = name && Py_TYPE(name) == &PyUnicode_Type &&
              PyUnicode_CompareWithASCIIString(name, "tests") == 0;
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(code);
    Py_XDECREF(frame);
    return is;
}

/* The innermost line of the test on the way to where it was raised. */
static uint32_t line_of(PyObject *trace)
{
    long line = 0;
    Py_XINCREF(trace);
    while (trace && trace != Py_None) {
        if (is_of_test(trace))
            line = number_of(trace, "tb_lineno");
        PyObject *next = PyObject_GetAttrString(trace, "tb_next");
        PyErr_Clear();
        Py_DECREF(trace);
        trace = next;
    }
    Py_XDECREF(trace);
    return line > 0 ? (uint32_t)line : 0;
}

/* What no answer of a candidate can bring about: then the test itself is at fault. */
static bool is_unfit(const box_caught *c)
{
    PyObject *const own[] = { PyExc_NameError, PyExc_ImportError, PyExc_SyntaxError, PyExc_OSError,
                              PyExc_SystemExit };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (PyErr_GivenExceptionMatches(c->type, own[i]))
            return true;
    return answered == 0;
}

__attribute__((noreturn)) static void end_raised(void)
{
    box_caught c = box_catch();
    asbx_record_kind kind = thrown && c.value == thrown ? ASBX_RECORD_THREW
                            : is_unfit(&c)              ? ASBX_RECORD_UNFIT
                                                        : ASBX_RECORD_FAILED;
    box_record_caught(kind, line_of(c.trace), &c);
    _exit(0);
}

static const char *text_of(asbx_text t, char out[MOST_TEXT])
{
    if (t.len >= MOST_TEXT)
        end_test(ASBX_RECORD_UNFIT, 0, "a name is too long");
    memcpy(out, t.data, t.len);
    out[t.len] = 0;
    return out;
}

static void run_check(PyObject *globals, PyObject *candidate, const char *name)
{
    PyObject *check = PyDict_GetItemString(globals, name);
    if (!check)
        end_test(ASBX_RECORD_UNFIT, 0, "the test program does not define the function to run");
    PyObject *done = PyObject_CallFunctionObjArgs(check, candidate, NULL);
    if (!done)
        end_raised();
}

void box_run_tester(zygote_text *text, const asbx_order *order)
{
    static char entry[MOST_TEXT], name[MOST_TEXT];
    union {
        PyCFunctionWithKeywords call;
        PyCFunction plain;
    } f = { .call = call_candidate };
    static PyMethodDef definition = { entry, NULL, METH_VARARGS | METH_KEYWORDS, NULL };
    asbx_text check = { "", 0 };
    most = (size_t)order->limits.out_kib << 10;
    definition.ml_meth = f.plain;
    (void)text_of(text->entry_point, entry);
    if (text->head->n_calls && !zygote_next(text, &check))
        end_test(ASBX_RECORD_UNFIT, 0, "the order of a test is malformed");
    (void)text_of(check, name);
    PyObject *globals = box_globals("__main__"), *code = box_compile(text->source, "tests");
    PyObject *candidate = PyCFunction_New(&definition, NULL);
    if (!globals || !code || !candidate || !bind(globals, candidate, entry) ||
        !PyEval_EvalCode(code, globals, globals) || !bind(globals, candidate, entry))
        end_raised();
    if (*name)
        run_check(globals, candidate, name);
    end_test(ASBX_RECORD_PASSED, 0, "");
}
