/* values.c -- see assay_box.h. Types are compared by identity: a subclass is another type, and
 * equals nothing; but for those of collections that compare as the dict they are.
 * SPDX-License-Identifier: Apache-2.0 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "assay_box.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- out ---- */

void box_buffer_fini(box_buffer *b)
{
    free(b->data);
    *b = (box_buffer){ .len = 0 };
}

static void add(box_buffer *b, const char *data, size_t len)
{
    if (b->over || len > b->most - b->len) {
        b->over = true;
        return;
    }
    if (len > b->cap - b->len) {
        size_t cap = (b->len + len) * 2 + 64;
        char *more = realloc(b->data, cap);
        if (!more) {
            b->over = true;
            return;
        }
        b->data = more;
        b->cap = cap;
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void addf(box_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void addf(box_buffer *b, const char *format, ...)
{
    char text[96];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof text)
        add(b, text, (size_t)n);
}

static void add_unknown(box_buffer *b, const char *name)
{
    b->unknown = true;
    addf(b, "?%zu:%.60s", strlen(name) < 60 ? strlen(name) : 60, name);
}

static void add_int(box_buffer *b, PyObject *v)
{
    int overflow;
    long n = PyLong_AsLongAndOverflow(v, &overflow);
    if (!overflow) {
        addf(b, "i%ld;", n);
        return;
    }
    PyObject *hex = PyNumber_ToBase(v, 16); /* linear in its size, as decimal digits are not */
    Py_ssize_t len = 0;
    const char *digits = hex ? PyUnicode_AsUTF8AndSize(hex, &len) : NULL;
    PyErr_Clear();
    add(b, "i", 1);
    if (digits)
        add(b, digits, (size_t)len);
    else
        b->over = true;
    add(b, ";", 1);
    Py_XDECREF(hex);
}

static void add_float(box_buffer *b, double d)
{
    addf(b, d != d ? "fnan;" : "f%a;", d);
}

static void add_text(box_buffer *b, PyObject *v)
{
    Py_ssize_t len = 0;
    PyObject *bytes = PyUnicode_AsEncodedString(v, "utf-8", "surrogatepass");
    char *data = NULL;
    if (bytes && PyBytes_AsStringAndSize(bytes, &data, &len) == 0) {
        addf(b, "s%zd:", len);
        add(b, data, (size_t)len);
    } else {
        b->over = true;
    }
    PyErr_Clear();
    Py_XDECREF(bytes);
}

/* The library's own, as they were before any job. */
static PyObject *dicts[3];

bool box_values_init(void)
{
    static const char *const names[] = { "Counter", "defaultdict", "OrderedDict" };
    PyObject *collections = PyImport_ImportModule("collections");
    bool ok = collections != NULL;
    for (int i = 0; ok && i < 3; i++) {
        dicts[i] = PyObject_GetAttrString(collections, names[i]);
        ok = dicts[i] != NULL;
    }
    Py_XDECREF(collections);
    return ok;
}

static bool is_dict(PyTypeObject *t)
{
    PyObject *type = (PyObject *)t;
    return t == &PyDict_Type || (type && (type == dicts[0] || type == dicts[1] || type == dicts[2]));
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than ASBX_VALUE_DEPTH */
static void encode(box_buffer *b, PyObject *v, unsigned depth);

/* A list that another thread shortens while it is read ends early: its count is written last. */
static void add_sequence(box_buffer *b, PyObject *v, bool is_list, unsigned depth)
{
    Py_ssize_t n = is_list ? PyList_Size(v) : PyTuple_Size(v);
    addf(b, "%c%zd", is_list ? '[' : '(', n);
    for (Py_ssize_t i = 0; i < n && !b->over; i++) {
        PyObject *item = is_list ? PyList_GetItem(v, i) : PyTuple_GetItem(v, i);
        if (!item) {
            PyErr_Clear();
            b->over = true;
            return;
        }
        encode(b, item, depth + 1);
    }
}

static void add_dict(box_buffer *b, PyObject *v, unsigned depth)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    addf(b, "{%zd", PyDict_Size(v));
    while (!b->over && PyDict_Next(v, &at, &key, &value)) {
        encode(b, key, depth + 1);
        encode(b, value, depth + 1);
    }
}

static void add_set(box_buffer *b, PyObject *v, bool frozen, unsigned depth)
{
    PyObject *iterator = PyObject_GetIter(v), *item;
    addf(b, "%c%zd", frozen ? '>' : '<', PySet_Size(v));
    while (iterator && !b->over && (item = PyIter_Next(iterator))) {
        encode(b, item, depth + 1);
        Py_DECREF(item);
    }
    PyErr_Clear();
    Py_XDECREF(iterator);
}

static void add_bytes(box_buffer *b, PyObject *v)
{
    char *data;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(v, &data, &len) == 0) {
        addf(b, "b%zd:", len);
        add(b, data, (size_t)len);
    }
    PyErr_Clear();
}

static void add_other(box_buffer *b, PyObject *v)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(v), "__name__");
    const char *text =
        name && Py_TYPE(name) == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    PyErr_Clear();
    add_unknown(b, text ? text : "object");
    Py_XDECREF(name);
}

static void encode(box_buffer *b, PyObject *v, unsigned depth)
{
    PyTypeObject *t = Py_TYPE(v);
    if (depth > ASBX_VALUE_DEPTH)
        add_unknown(b, "too deep");
    else if (v == Py_None)
        add(b, "N", 1);
    else if (v == Py_True || v == Py_False)
        add(b, v == Py_True ? "T" : "F", 1);
    else if (t == &PyLong_Type)
        add_int(b, v);
    else if (t == &PyFloat_Type)
        add_float(b, PyFloat_AsDouble(v));
    else if (t == &PyUnicode_Type)
        add_text(b, v);
    else if (t == &PyList_Type || t == &PyTuple_Type)
        add_sequence(b, v, t == &PyList_Type, depth);
    else if (is_dict(t))
        add_dict(b, v, depth);
    else if (t == &PySet_Type || t == &PyFrozenSet_Type)
        add_set(b, v, t == &PyFrozenSet_Type, depth);
    else if (t == &PyBytes_Type)
        add_bytes(b, v);
    else if (t == &PyComplex_Type) {
        add(b, "c", 1);
        add_float(b, PyComplex_RealAsDouble(v));
        add_float(b, PyComplex_ImagAsDouble(v));
    } else
        add_other(b, v);
}
/* NOLINTEND(misc-no-recursion) */

void box_encode(box_buffer *out, PyObject *value)
{
    encode(out, value, 0);
    if (out->over) {
        out->over = false;
        out->len = 0;
        add_unknown(out, "too large");
    }
}

/* ---- in ---- */

typedef struct reader {
    const char *at, *end;
    unsigned depth;
    box_unknown *unknown;
} reader;

static PyObject *decode(reader *r);

static bool take_count(reader *r, size_t *out)
{
    size_t n = 0;
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && n < SIZE_MAX / 16)
        n = n * 10 + (size_t)(*r->at++ - '0');
    *out = n;
    return r->at > from;
}

/* The text up to ';', as a C string. */
static bool take_word(reader *r, char *out, size_t size)
{
    const char *semi = memchr(r->at, ';', (size_t)(r->end - r->at));
    if (!semi || (size_t)(semi - r->at) >= size)
        return false;
    memcpy(out, r->at, (size_t)(semi - r->at));
    out[semi - r->at] = 0;
    r->at = semi + 1;
    return true;
}

static PyObject *take_int(reader *r)
{
    const char *semi = memchr(r->at, ';', (size_t)(r->end - r->at));
    char small[64], *text = small;
    size_t len = semi ? (size_t)(semi - r->at) : 0;
    if (!semi || !len)
        return NULL;
    if (len >= sizeof small && !(text = malloc(len + 1)))
        return NULL;
    memcpy(text, r->at, len);
    text[len] = 0;
    r->at = semi + 1;
    PyObject *v = PyLong_FromString(text, NULL, 0);
    if (text != small)
        free(text);
    return v;
}

static bool take_double(reader *r, double *out)
{
    char text[64], *end;
    if (!take_word(r, text, sizeof text))
        return false;
    *out = strtod(text, &end);
    return *end == 0;
}

static PyObject *take_sized(reader *r, bool text)
{
    size_t n;
    if (!take_count(r, &n) || r->at >= r->end || *r->at++ != ':' || n > (size_t)(r->end - r->at))
        return NULL;
    PyObject *v = text ? PyUnicode_DecodeUTF8(r->at, (Py_ssize_t)n, "surrogatepass")
                       : PyBytes_FromStringAndSize(r->at, (Py_ssize_t)n);
    r->at += n;
    return v;
}

static PyObject *take_unknown(reader *r)
{
    size_t n;
    if (!r->unknown || !take_count(r, &n) || r->at >= r->end || *r->at++ != ':' ||
        n > (size_t)(r->end - r->at))
        return NULL;
    r->at += n;
    return r->unknown(r->at - n, n);
}

/* decode() counts the depth. NOLINTBEGIN(misc-no-recursion) */
static PyObject *take_sequence(reader *r, bool is_list)
{
    size_t n;
    if (!take_count(r, &n) || n > (size_t)(r->end - r->at))
        return NULL;
    PyObject *v = is_list ? PyList_New((Py_ssize_t)n) : PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; v && i < n; i++) {
        PyObject *item = decode(r);
        if (!item || (is_list ? PyList_SetItem(v, (Py_ssize_t)i, item)
                              : PyTuple_SetItem(v, (Py_ssize_t)i, item)) < 0) {
            Py_DECREF(v);
            return NULL;
        }
    }
    return v;
}

static PyObject *take_dict(reader *r)
{
    size_t n;
    PyObject *v = take_count(r, &n) ? PyDict_New() : NULL;
    for (size_t i = 0; v && i < n; i++) {
        PyObject *key = decode(r), *value = key ? decode(r) : NULL;
        bool ok = value && PyDict_SetItem(v, key, value) == 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (!ok) {
            Py_DECREF(v);
            return NULL;
        }
    }
    return v;
}

static PyObject *take_set(reader *r, bool frozen)
{
    size_t n;
    PyObject *items = take_count(r, &n) && n <= (size_t)(r->end - r->at) ? PyList_New(0) : NULL;
    for (size_t i = 0; items && i < n; i++) {
        PyObject *item = decode(r);
        bool ok = item && PyList_Append(items, item) == 0;
        Py_XDECREF(item);
        if (!ok) {
            Py_DECREF(items);
            return NULL;
        }
    }
    PyObject *v = items ? (frozen ? PyFrozenSet_New(items) : PySet_New(items)) : NULL;
    Py_XDECREF(items);
    return v;
}

static PyObject *decode_one(reader *r)
{
    double re, im;
    switch (*r->at++) {
    case 'N':
        Py_RETURN_NONE;
    case 'T':
        Py_RETURN_TRUE;
    case 'F':
        Py_RETURN_FALSE;
    case 'i':
        return take_int(r);
    case 'f':
        return take_double(r, &re) ? PyFloat_FromDouble(re) : NULL;
    case 'c':
        if (r->at < r->end && *r->at++ == 'f' && take_double(r, &re) && r->at < r->end &&
            *r->at++ == 'f' && take_double(r, &im))
            return PyComplex_FromDoubles(re, im);
        return NULL;
    case 's':
    case 'b':
        return take_sized(r, r->at[-1] == 's');
    case '?':
        return take_unknown(r);
    case '[':
    case '(':
        return take_sequence(r, r->at[-1] == '[');
    case '{':
        return take_dict(r);
    case '<':
    case '>':
        return take_set(r, r->at[-1] == '>');
    default:
        return NULL;
    }
}

static PyObject *decode(reader *r)
{
    if (r->at >= r->end || r->depth > ASBX_VALUE_DEPTH)
        return NULL;
    r->depth++;
    PyObject *v = decode_one(r);
    r->depth--;
    return v;
}
/* NOLINTEND(misc-no-recursion) */

PyObject *box_decode(asbx_text text, box_unknown *unknown)
{
    reader r = { .at = text.data, .end = text.data + text.len, .unknown = unknown };
    PyObject *v = decode(&r);
    if (v && r.at != r.end) {
        Py_DECREF(v);
        return NULL;
    }
    return v;
}
