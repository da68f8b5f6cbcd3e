/* describe.h -- the child that loads plugins so that the host need not: `assay-worker --describe
 * PATH...`.
 *
 * It prints JSON lines, flushed one by one, so that its parent knows which plugin was its last:
 *   {"hello":1}                                   once, before anything is loaded
 *   {"i":0,"infos":[...]}                         file number i could be loaded
 *   {"i":0,"infos":[...],"done":true}             and its verifiers were asked what they offer
 * (info.h: probed)
 *   {"i":0,"problem":"...","done":true}           or this is why it cannot be used
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_DESCRIBE_H
#define AS_PLUG_DESCRIBE_H
/* argv[1] is "--describe". Returns the exit status. */
int as_describe_main(int argc, char **argv);
#endif
