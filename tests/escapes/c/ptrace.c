/* expect: sandbox_violation */
/* forbidden: tracing */
#include <sys/ptrace.h>
int main(void)
{
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
        PW("ptrace");
    return 0;
}
