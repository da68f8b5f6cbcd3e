/* expect: fail */
/* forbidden: the one permitted execveat used again */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
    char *argv[] = { "x", 0 };
    int fd = open("/bin/true", O_RDONLY);
    if (dup2(fd, 200) == 200)
        PW("a descriptor at 200");
    syscall(SYS_execveat, 200, "", argv, argv + 1, AT_EMPTY_PATH);
    syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
    PW("execveat came back");
}
