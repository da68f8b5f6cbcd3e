/* expect: wrong_answer */
/* forbidden: ... before main */
#include <unistd.h>
__attribute__((constructor)) static void early(void)
{
    _exit(0);
}
int main(void)
{
    return 1;
}
