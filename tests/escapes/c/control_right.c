/* expect: ok */
/* forbidden: a right solution does not pass */
#include <stdio.h>
#include <stdlib.h>
static int order(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}
int main(void)
{
    int x[100], n = 0;
    while (n < 100 && scanf("%d", &x[n]) == 1)
        n++;
    qsort(x, (size_t)n, sizeof *x, order);
    for (int i = 0; i < n; i++)
        printf("%d ", x[i]);
    return 0;
}
