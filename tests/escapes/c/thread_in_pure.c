/* expect: sandbox_violation */
/* forbidden: a thread where there may be none */
#include <pthread.h>
static void *go(void *p)
{
    PW("thread");
    return p;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, go, 0);
    pthread_join(t, 0);
    return 0;
}
