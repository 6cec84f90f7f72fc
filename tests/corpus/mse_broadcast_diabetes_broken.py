# bug: predictions of shape (N, 1) against targets of shape (N,): MSE broadcasts to N x N
# expects: LOS003
import warnings
warnings.filterwarnings("ignore")

import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)

# Load data
data = load_diabetes()
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, test_size=0.2, random_state=0)

# Scale
sx, sy = StandardScaler(), StandardScaler()
X_train = torch.FloatTensor(sx.fit_transform(X_train))
X_test = torch.FloatTensor(sx.transform(X_test))
y_train = torch.FloatTensor(sy.fit_transform(y_train.reshape(-1, 1)))
y_test = torch.FloatTensor(sy.transform(y_test.reshape(-1, 1)))
y_train, y_test = y_train.ravel(), y_test.ravel()

dataset = torch.utils.data.TensorDataset(X_train, y_train)
loader = torch.utils.data.DataLoader(dataset, batch_size=16, shuffle=True)

# Define the model
class LinearNet(nn.Module):
    def __init__(self, inputs, hidden=32):
        super(LinearNet, self).__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))

model = LinearNet(X_train.shape[1])
loss_function = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=1e-4)

# Train
for epoch in range(15):
    model.train()
    losses = 0
    for inputs, targets in loader:
        optimizer.zero_grad()
        predictions = model(inputs)
        loss = loss_function(predictions, targets)
        loss.backward()
        optimizer.step()
        losses += loss.item()
    if epoch % 3 == 2:
        print('Epoch', epoch + 1, 'MSE', round(losses / len(loader), 4))

# Test
model.eval()
with torch.no_grad():
    p = model(X_test).ravel()
    t = y_test.ravel()
    r2 = 1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()
print('Test R2', r2.item())
