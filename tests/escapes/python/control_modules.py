# expect: ok
# forbidden: what solutions import and use is missing
import collections, functools, heapq, itertools, json, math, random, re, string, sys, os, time, typing, dataclasses
import decimal, fractions, statistics, hashlib, bisect, copy, datetime, operator, io, textwrap, enum, abc, contextlib
import array, queue
sys.setrecursionlimit(10**6)
@functools.lru_cache(None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
assert fib(900) > 0
def f(x):
    h = list(x); heapq.heapify(h)
    return [heapq.heappop(h) for _ in range(len(h))]
