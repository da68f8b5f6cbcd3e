/* expect: runtime_error */
/* forbidden: abort() as process 1 of its namespace is taken for success */
#include <stdlib.h>
int main(void)
{
    abort();
}
