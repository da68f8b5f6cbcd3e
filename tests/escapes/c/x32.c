/* expect: sandbox_violation */
/* forbidden: numbers of the x32 ABI */
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
    if (syscall(0x40000000 | SYS_getpid) > 0)
        PW("x32");
    return 0;
}
