/* expect: fail */
/* forbidden: a handler for SIGSYS keeps the program alive */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
static void handler(int s)
{
    (void)s;
}
int main(void)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = handler;
    sigaction(SIGSYS, &sa, 0);
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        PW("socket, or so it looks");
    return 0;
}
