/* leftover.h -- what a process that was killed left behind under the temporary names of publish.h, and how that is told from
 * what another is writing just now. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_LEFTOVER_H
#define AS_BASE_LEFTOVER_H
#include <stdbool.h>

/* Says that the file or folder open as `fd` is being written, for as long as fd is open. False: somebody took it for a
 * leftover in between, and removes it. File systems without locks: true. */
bool as_leftover_hold(int fd);

/* Removes NAME.tmp-... beside `path` for path's NAME (is_prefix: for names that begin with it): this user's files and folders
 * of files whose process is not on this machine any more, and that nobody holds. Best effort: it says nothing and fails
 * never; where locks are not to be had, nothing is removed. */
void as_leftovers_remove(const char *path, bool is_prefix);
#endif
