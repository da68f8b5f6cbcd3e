/* expect: sandbox_violation */
/* forbidden: a socket */
#include <sys/socket.h>
int main(void)
{
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        PW("socket");
    return 0;
}
