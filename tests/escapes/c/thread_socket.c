/* expect: sandbox_violation */
/* policy: threads */
/* forbidden: what one thread must not do, another may */
#include <pthread.h>
#include <sys/socket.h>
static void *go(void *p)
{
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        PW("socket");
    return p;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, go, 0);
    pthread_join(t, 0);
    return 0;
}
