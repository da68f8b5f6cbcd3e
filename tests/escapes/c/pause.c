/* expect: tle */
/* forbidden: a program that waits without end, all signals ignored */
#include <signal.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = SIG_IGN;
    for (int s = 1; s < 65; s++)
        sigaction(s, &sa, 0);
    for (;;)
        pause();
}
