/* expect: wrong_answer */
/* forbidden: a wrong solution passes */
#include <stdio.h>
int main(void)
{
    printf("3 1 2\n");
    return 0;
}
