/* expect: sandbox_violation */
/* forbidden: SIGSYS blocked */
#include <signal.h>
#include <sys/socket.h>
int main(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        PW("socket");
    return 0;
}
